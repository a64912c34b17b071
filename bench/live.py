"""From a worker's word to everybody's screen: `python -m bench.live --viewers 100`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
import redis
from playwright.sync_api import Page

from bench.browser import settle, signed_in
from bench.figures import Figure, percentile
from bench.fleet import PASSWORD, Fleet, fleet, temporary_home
from bench.footage import tiny
from bench.live_viewers import MESSAGE
from bench.redis_commands import counted
from bench.report import Wrong, run, say
from console import cookie
from services.model import JobKind, QueueName, Role, User
from services.progress import StageProgress
from services.records import stages
from services.records.stages import Claim, Lease

NAMES = ("p50_ms", "p95_ms", "chromium_p95_ms", "cpu_percent", "redis_reads_per_viewer", "delivered", "expected")
LIMITS = {"p95_ms": 50.0, "cpu_percent": 10.0, "redis_reads_per_viewer": 0.0}
FLEET = {
    "BACKLOT_MEDIA_WORKERS": "0",
    "BACKLOT_AI_WORKERS": "0",
    "BACKLOT_JOBS_PER_HOUR": "1000000",
    "BACKLOT_UPLOADS_PER_DAY": "1000000",
    "BACKLOT_REQUESTS_PER_MINUTE": "1000000",
}
JOBS = 10
SECONDS = 60.0
OF_ONE_USER = 10  # viewers
LEASE_SECONDS = 3600.0
LAST_WORDS = 1.0  # seconds for the last update to arrive
START_LIMIT = 60_000  # milliseconds

# What the page shows of the stage that runs, each time it changes, with the time by the machine's clock.
WATCH = """
() => {
  const find = (root) => {
    for (const element of root.querySelectorAll('*')) {
      const found = element.shadowRoot && (element.shadowRoot.querySelector('.detail') ?? find(element.shadowRoot));
      if (found) return found;
    }
    return null;
  };
  const detail = find(document);
  if (!detail) return false;
  window.shown = [];
  new MutationObserver(() => window.shown.push([detail.textContent, Date.now() / 1000]))
    .observe(detail, { childList: true, characterData: true, subtree: true });
  return true;
}
"""


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    updates = round(arguments.seconds)
    with temporary_home() as home, fleet(home, FLEET) as product, ExitStack() as stack:
        claims = _running_jobs(product, home)
        users = -(-arguments.viewers // OF_ONE_USER) + 1
        analysts = [product.new_user(f"analyst-{number}", Role.ANALYST) for number in range(users)]
        page = stack.enter_context(signed_in(product.address, name=analysts[-1].name, password=PASSWORD))
        page.goto(f"{product.address}/video?id={claims[0].video_id}")
        settle(page)
        page.wait_for_function(WATCH, timeout=START_LIMIT)
        cookies = [_cookie(product, analysts[number // OF_ONE_USER]) for number in range(arguments.viewers)]
        viewers = stack.enter_context(_viewers(product.address, cookies))
        say(f"  {arguments.viewers} viewers and one Chromium have their snapshots")
        assert product.services.settings.redis_url is not None
        client = stack.enter_context(redis.Redis.from_url(product.services.settings.redis_url.get_secret_value()))
        web = psutil.Process(product.processes["web"])

        before, cpu, began = counted(client), sum(web.cpu_times()[:2]), time.monotonic()
        _tell(product, claims, updates=updates, page=page)
        figures["cpu_percent"] = 100 * (sum(web.cpu_times()[:2]) - cpu) / (time.monotonic() - began)
        commands = counted(client) - before
        say(f"  Redis got {dict(commands)}")
        if commands.pop("publish") != updates * JOBS:
            raise Wrong("Redis was not told as often as was meant.")
        figures["redis_reads_per_viewer"] = commands.total() / arguments.viewers

        told = _ask(viewers)
        if told["ended"]:
            raise Wrong(f"{told['ended']} streams ended.")
        figures["delivered"] = len(told["delays_ms"])
        figures["expected"] = arguments.viewers * JOBS * updates
        figures["p50_ms"] = percentile(told["delays_ms"], 50)
        figures["p95_ms"] = percentile(told["delays_ms"], 95)
        shown = _delays(page.evaluate("window.shown"))
        say(f"  Chromium showed {len(shown)} of {updates}; the slowest of all viewers {max(told['delays_ms']):.1f} ms")
        if len(shown) < updates / 2:
            raise Wrong("Chromium did not show what was told.")
        figures["chromium_p95_ms"] = percentile(shown, 95)


def _running_jobs(product: Fleet, home: Path) -> tuple[Claim, ...]:
    """Jobs whose first stage runs, in the hands of this benchmark."""
    creator = product.new_user("creator")
    film = tiny(home / "tiny.mp4")
    for number in range(JOBS):
        product.services.uploads.accept_file(creator, film, title=f"Talk {number}", kind=JobKind.PIPELINE)
    lease = Lease(id=uuid4(), worker="bench", host="bench", pid=0)
    with product.services.database.statement() as connection:
        claims = stages.claim_many(connection, QueueName.MEDIA, lease, seconds=LEASE_SECONDS, limit=JOBS, cap=JOBS)
    if len(claims) != JOBS:
        raise Wrong(f"{len(claims)} of {JOBS} jobs could be claimed.")
    return claims


def _cookie(product: Fleet, user: User) -> str:
    sessions = product.services.sessions
    token, _ = sessions.exchange(sessions.issue_ticket(user), address="127.0.0.1", user_agent="bench")
    return f"{cookie.name(product.services.settings)}={token}"


@contextmanager
def _viewers(address: str, cookies: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.live_viewers", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(f"{one}\n" for one in cookies) + "\n")
        process.stdin.flush()
        if process.stdout.readline() != "ready\n":
            raise Wrong("The viewers did not get their snapshots; their last words are above.")
        yield process
    finally:
        process.kill()
        process.wait()


def _ask(viewers: subprocess.Popen[str]) -> dict[str, list[float]]:
    assert viewers.stdin is not None
    assert viewers.stdout is not None
    viewers.stdin.write("\n")
    viewers.stdin.flush()
    told: dict[str, list[float]] = json.loads(viewers.stdout.readline())
    return told


def _tell(product: Fleet, claims: Sequence[Claim], *, updates: int, page: Page) -> None:
    """Each job once a second, one after the other, as so many workers would."""
    began = time.monotonic()
    for number in range(updates * JOBS):
        wait = began + number / JOBS - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        claim = claims[number % JOBS]
        percent = 100 * (number // JOBS + 1) / (updates + 1)
        message = MESSAGE.format(job=number % JOBS, number=number // JOBS, at=time.time())
        told = StageProgress(
            job_id=claim.job_id, video_id=claim.video_id, stage=claim.name, percent=percent, message=message
        )
        product.services.progress.tell([told])
    page.wait_for_timeout(1000 * LAST_WORDS)


def _delays(shown: Sequence[tuple[str, float]]) -> list[float]:
    """Milliseconds from telling to the changed page, once for each update that was shown."""
    delays: dict[str, float] = {}
    for text, at in shown:
        words = text.split()
        if len(words) == 4 and words[0] == "bench":
            delays.setdefault(words[2], 1000 * (at - float(words[3])))
    return list(delays.values())


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.live", description=__doc__)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    return run(parser, measure, names=NAMES, limits=LIMITS)


if __name__ == "__main__":
    sys.exit(main())
