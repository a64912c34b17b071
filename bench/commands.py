"""How many Redis commands the product sends: idle, for a video, for a page: `python -m bench.commands`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import redis
from playwright.sync_api import Page

from bench.browser import settle, signed_in
from bench.client import Client
from bench.figures import Figure
from bench.fleet import PASSWORD, Fleet, fleet, temporary_home
from bench.footage import talk
from bench.peers import command
from bench.redis_commands import Seen, a_day, by_source, counted, longest_wait, now, watching
from bench.report import Wrong, run, say
from services.embedded import start_valkey
from services.model import JobState, User

NAMES = ("idle_day", "idle_measured", "idle_minutes", "video", "page_view", "redis_mib", "rq_video")
LIMITS = {"idle_day": 1000.0, "video": 80.0, "page_view": 1.0}
FLEET = {"BACKLOT_MEDIA_WORKERS": "2", "BACKLOT_AI_WORKERS": "1"}
IDLE_MINUTES = 20.0
VIDEO_MINUTES = 10.0
PROBE_EVERY = 10.0  # seconds, as load balancers do
QUIET = 3.0  # seconds after which what was done has had its commands
PAGE_LOADS = 4  # of each of two pages
LOOK = 1.0
WALL_LIMIT_FACTOR = 5.0  # of the talk's length, after which the job counts as stuck
PEER_LIMIT = 60.0
TOLD = 12  # kinds of commands that are named
SLACK = 3  # commands that may fall between two looks


class Meter:
    """Counts the commands from now on, by the server's count, and holds them against those that were seen."""

    def __init__(self, client: redis.Redis, seen: Sequence[Seen]) -> None:
        self._client = client
        self._seen = seen
        self._before = counted(client).total()
        self.began = now(client)

    def read(self, what: str) -> int:
        """How many there were, and says which. Raises Wrong when others were seen than counted."""
        total = counted(self._client).total() - self._before
        sources = by_source(list(self._seen), began=self.began, ended=now(self._client))
        say(f"  {what}: {total} commands")
        for source, count in list(sources.items())[:TOLD]:
            say(f"    {count:>6}  {source[:90]}")
        if abs(sum(sources.values()) - total) > SLACK:
            raise Wrong(f"{sum(sources.values())} commands were seen, and {total} counted.")
        return total


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    with temporary_home() as home:
        say(f"  making a talk of {arguments.video_minutes:g} min")
        video = talk(home, seconds=60 * arguments.video_minutes)
        with fleet(home, FLEET) as product, ExitStack() as stack:
            assert product.services.settings.redis_url is not None
            url = product.services.settings.redis_url.get_secret_value()
            client = stack.enter_context(redis.Redis.from_url(url))
            seen = stack.enter_context(watching(url))
            stack.enter_context(_probes(product.address))
            user = product.new_user("bench")
            uploader = Client(product.address, product.services.sessions.issue_ticket(user))
            page = stack.enter_context(signed_in(product.address, name=user.name, password=PASSWORD))
            page.wait_for_timeout(1000 * QUIET)

            meter = Meter(client, seen)
            sent = uploader.upload(video, name="talk.mp4")
            page.goto(f"{product.address}/video?id={sent.video_id}")
            _follow(product, user, sent.job_id, page, limit=60 * WALL_LIMIT_FACTOR * arguments.video_minutes)
            figures["video"] = meter.read("a video")

            meter = Meter(client, seen)
            for path in PAGE_LOADS * ("videos", f"video?id={sent.video_id}"):
                page.goto(f"{product.address}/{path}")
                settle(page)
                page.wait_for_timeout(1000 * QUIET)
            figures["page_view"] = meter.read("several page views") / (2 * PAGE_LOADS)

            page.goto(f"{product.address}/videos")
            settle(page)
            page.wait_for_timeout(1000 * QUIET)
            say(f"  nobody does anything for {arguments.idle_minutes:g} min")
            meter = Meter(client, seen)
            page.wait_for_timeout(60_000 * arguments.idle_minutes)
            figures["idle_measured"] = meter.read("nobody")
            seconds = now(client) - meter.began
            figures["idle_minutes"] = seconds / 60
            if seconds < longest_wait(seen):
                say(f"  no figure for a day: some commands come only every {longest_wait(seen) / 60:.0f} min")
            else:
                figures["idle_day"] = a_day(list(seen), began=meter.began, ended=meter.began + seconds)
            figures["redis_mib"] = int(client.info("memory")["used_memory_peak"]) / 2**20
        figures["rq_video"] = _stock_rq(home)


def _follow(product: Fleet, user: User, job_id: UUID, page: Page, *, limit: float) -> None:
    """Returns when the job has succeeded and its page has come to rest. Raises Wrong otherwise."""
    deadline = time.monotonic() + limit
    while (job := product.services.operations.job(user, job_id)).state in {JobState.QUEUED, JobState.RUNNING}:
        if time.monotonic() > deadline:
            raise Wrong(f"The job is still {job.state} at {job.percent:.0f}% after {limit:.0f} s.")
        page.wait_for_timeout(1000 * LOOK)
    if job.state is not JobState.SUCCEEDED:
        raise Wrong(f"The job {job.state}: {job.message}")
    page.get_by_text("Repurposed", exact=True).wait_for()
    page.wait_for_timeout(1000 * QUIET)


def _stock_rq(home: Path) -> int:
    """Commands of stock RQ for six empty stages and 42 updates, its worker waiting before and after."""
    server = start_valkey(home / "peer")
    try:
        environment = os.environ | {"REDIS_URL": server.url}
        with (
            redis.Redis.from_url(server.url) as client,
            subprocess.Popen(
                command("rq_pipeline.py"),
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as peer,
        ):
            _expect(peer, "ready")
            before = _quiet_total(client)
            _go_on(peer)
            _expect(peer, "enqueued")
            commands = _quiet_total(client) - before
            _go_on(peer)
            _expect(peer, "6 finished")
            return commands
    finally:
        server.stop()


def _quiet_total(client: redis.Redis) -> int:
    """The count once it has stood still for a while. Raises Wrong when it does not."""
    deadline = time.monotonic() + PEER_LIMIT
    total = -1
    while (now := counted(client).total()) != total:
        if time.monotonic() > deadline:
            raise Wrong("Stock RQ did not come to rest.")
        total = now
        time.sleep(QUIET)
    return total


def _go_on(peer: subprocess.Popen[str]) -> None:
    assert peer.stdin is not None
    peer.stdin.write("\n")
    peer.stdin.flush()


def _expect(peer: subprocess.Popen[str], line: str) -> None:
    assert peer.stdout is not None
    told = peer.stdout.readline().strip()
    if told != line:
        peer.kill()
        raise Wrong(f"Stock RQ said {told!r} and not {line!r}; its last words are above.")


@contextmanager
def _probes(address: str) -> Iterator[None]:
    """Asks the web server's health as long as it is entered."""
    stopped = threading.Event()

    def ask() -> None:
        while not stopped.wait(PROBE_EVERY):
            connection = HTTPConnection(urlsplit(address).netloc, timeout=PROBE_EVERY)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            connection.close()

    thread = threading.Thread(target=ask, name="probes", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(PROBE_EVERY)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.commands", description=__doc__)
    parser.add_argument("--idle-minutes", type=float, default=IDLE_MINUTES)
    parser.add_argument("--video-minutes", type=float, default=VIDEO_MINUTES)
    return run(parser, measure, names=NAMES, limits=LIMITS)


if __name__ == "__main__":
    sys.exit(main())
