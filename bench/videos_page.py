"""Videos with 100,000 of them: list, search, a run of the page with 1,000 rows, and fifty people who open it at once:
`python -m bench.videos_page [--videos 100000]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

from playwright.sync_api import Page
from sqlalchemy import text

from bench.browser import settle, signed_in
from bench.figures import Figure, percentile
from bench.fleet import PASSWORD, Fleet, fleet, temporary_home
from bench.library import fill, word
from bench.report import Wrong, run, say
from bench.websocket import open_page
from services.library import MOST_ROWS, Length, Query, Sort
from services.model import Role, User, VideoState

NAMES = ("list_p95_ms", "search_p95_ms", "rerun_p95_ms", "open_p95_s", "videos")
LIMITS = {"rerun_p95_ms": 250.0, "open_p95_s": 4.0}
OWNERS = 200
TIMES = 8  # each query
RERUNS = 30
CLIENTS = 50
ARRIVE_SECONDS = 3.0  # in which all of them come
RANKS = (
    50,
    200,
    345,
    1000,
    3000,
    9000,
)  # of words: the first is said in every third video, the last in one of a thousand

# A click, and the frame in which the script has ended and all rows are other ones.
_RERUN = """
(sort) => new Promise((done) => {
  const roots = [...document.querySelectorAll("*")].map((one) => one.shadowRoot);
  const list = roots.find((one) => one?.querySelector("ul.videos"));
  const first = () => list.querySelector("li.video")?.dataset.id;
  const rows = list.querySelectorAll("li.video").length;
  const before = first();
  const select = list.querySelector("select");
  const app = document.querySelector("[data-testid=stApp]");
  const began = performance.now();
  select.value = sort;
  select.dispatchEvent(new Event("change"));
  const look = () => {
    const drawn = first() !== before && list.querySelectorAll("li.video").length === rows;
    if (drawn && app.getAttribute("data-test-script-state") === "notRunning") done(performance.now() - began);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""


def lists() -> list[Query]:
    """What people look at without a word."""
    return [
        *(Query(sort=sort) for sort in Sort),
        Query(states=(VideoState.FAILED,)),
        Query(states=(VideoState.PROCESSING, VideoState.UPLOADED)),
        Query(states=(VideoState.CANCELLED,), sort=Sort.TITLE),
        Query(tags=("tag10",)),
        Query(length=Length.SHORT, sort=Sort.LONGEST),
    ]


def searches() -> list[Query]:
    """Words common and rare, their beginnings, two together, a phrase, one left out, a part of a title."""
    common, rare = word(RANKS[0]), word(RANKS[-2])
    return [
        *(Query(text=word(rank)) for rank in RANKS),
        *(Query(text=word(rank)[:4]) for rank in RANKS),
        Query(text=f"{common} {rare}"),
        Query(text=f'"{rare} {common}"'),
        Query(text=f"{rare} -{common}"),
        Query(text=rare, states=(VideoState.FAILED,)),
        Query(text="4242"),
        Query(text="zebra"),
    ]


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    with temporary_home() as home, fleet(home, {"BACKLOT_MEDIA_WORKERS": "1"}) as product:
        owners = _owners(product)
        fill(product.services.database, videos=arguments.videos, owner_ids=[owner.id for owner in owners])
        figures["videos"] = arguments.videos
        reader = product.new_user("reader", Role.ANALYST)  # who sees everybody's videos
        people = (reader, owners[0])
        figures["list_p95_ms"] = _timed(product, people, lists())
        figures["search_p95_ms"] = _timed(product, people, searches())
        figures["rerun_p95_ms"] = _reruns(product, reader)
        figures["open_p95_s"] = _openings(product, reader)


def _timed(product: Fleet, people: Sequence[User], queries: Sequence[Query]) -> float | None:
    """The 95th percentile in milliseconds, in services, with the database's round trips."""
    took: list[float] = []
    slowest = (0.0, "")
    for user in people:
        for query in queries:
            product.services.library.search(user, query)  # the first reads from the disk
            for _ in range(TIMES):
                began = time.perf_counter()
                page = product.services.library.search(user, query)
                took.append((time.perf_counter() - began) * 1000)
                slowest = max(slowest, (took[-1], f"{query.text or query.sort} of {len(page.rows)} rows, {user.role}"))
    say(f"  {len(took)} queries, median {percentile(took, 50):.1f} ms; the slowest {slowest[0]:.0f} ms: {slowest[1]}")
    return percentile(took, 95)


def _reruns(product: Fleet, reader: User) -> float | None:
    """From a click to the frame with 1,000 other rows, in milliseconds."""
    with signed_in(product.address, name=reader.name, password=PASSWORD) as page:
        page.goto(f"{product.address}/videos?show={MOST_ROWS}")
        _wait_for_rows(page)
        sorts = ("oldest", "newest")
        took = [float(page.evaluate(_RERUN, sorts[number % 2])) for number in range(RERUNS)]
        _wait_for_rows(page)
    say(f"  {RERUNS} runs with {MOST_ROWS} rows, median {percentile(took, 50):.0f} ms")
    return percentile(took, 95)


def _wait_for_rows(page: Page) -> None:
    page.wait_for_function(f"() => {_ROWS} === {MOST_ROWS}")
    settle(page)


_ROWS = (
    '[...document.querySelectorAll("*")].reduce((sum, one) => sum'
    ' + (one.shadowRoot?.querySelectorAll("li.video").length ?? 0), 0)'
)


def _openings(product: Fleet, reader: User) -> float | None:
    """Seconds until Videos has come, for people who come one shortly after the other."""
    sessions = product.services.sessions
    token, _ = sessions.exchange(sessions.issue_ticket(reader), address="127.0.0.1", user_agent="bench")

    async def all_of_them() -> list[float]:
        return await asyncio.gather(
            *(
                open_page(
                    product.address, token, "videos", after=ARRIVE_SECONDS * number / CLIENTS, holds='"may_select"'
                )
                for number in range(CLIENTS)
            )
        )

    took = asyncio.run(all_of_them())
    if len(took) != CLIENTS:
        raise Wrong("not everybody got the page")
    say(f"  {CLIENTS} open Videos within {ARRIVE_SECONDS:g} s, median {percentile(took, 50):.2f} s")
    return percentile(took, 95)


def _owners(product: Fleet) -> list[User]:
    """Creators who never sign in: a real hash takes a quarter of a second."""
    with product.services.database.transaction() as connection:
        rows = connection.execute(
            text(
                "insert into users (name, role, password_hash, must_change_password)"
                " select 'owner-' || n, 'creator', 'none', false from generate_series(1, :owners) n returning id, name"
            ),
            {"owners": OWNERS},
        ).all()
    return [User(id=row.id, name=row.name, role=Role.CREATOR, must_change_password=False) for row in rows]


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.videos_page", description=__doc__)
    parser.add_argument("--videos", type=int, default=100_000)
    return run(parser, measure, names=NAMES, limits=LIMITS)


if __name__ == "__main__":
    sys.exit(main())
