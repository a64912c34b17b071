"""What a first visit of Home costs on a line of 20 Mbit/s and 40 ms: `python -m bench.first_load --runs 5`."""

from __future__ import annotations

import argparse
import base64
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
from playwright.sync_api import BrowserContext, Page, TimeoutError, sync_playwright

from bench.browser import ARGUMENTS, settle
from bench.client import Client
from bench.figures import Figure
from bench.fleet import Fleet, fleet, temporary_home
from bench.footage import tiny
from bench.report import Wrong, run, say
from services.model import JobState, User
from tests.browser import bring

NAMES = ("home_mib", "usable_s", "slowest_s", "warm_mib", "warm_s")
LIMITS = {"home_mib": 2.0, "usable_s": 3.0}
FLEET = {"BACKLOT_MEDIA_WORKERS": "1", "BACKLOT_AI_WORKERS": "1"}
LINE = {"offline": False, "latency": 40, "downloadThroughput": 20e6 / 8, "uploadThroughput": 20e6 / 8}
VIDEOS = 6  # what stands on Home with their pictures
JOB_LIMIT = 60.0  # seconds
READY_LIMIT = 60.0  # seconds until the static files are compressed
MOST_STALLS = 3
STALLED_MS = 15_000
QUIET = 2.0  # seconds after the page is usable in which what it loads late still counts
MEBIBYTE = 1024 * 1024


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    cold: list[tuple[float, float]] = []
    warm: list[tuple[float, float]] = []
    with temporary_home() as home, fleet(home, FLEET) as product:
        user = product.new_user("bench")
        client = Client(product.address, product.services.sessions.issue_ticket(user))
        film = tiny(home / "tiny.mp4")
        for number in range(VIDEOS):
            _wait_until_done(product, user, client.upload(film, name=f"first load {number}.mp4").job_id)
        _wait_until_compressed(product)
        stalls = 0
        for number in range(arguments.runs):
            while len(warm) <= number:
                try:
                    with _page(product, user) as (page, received):
                        visits = _visit(page, product, received), _visit(page, product, received)
                except TimeoutError as error:
                    stalls += 1
                    say("  Chromium's emulated line stood still; another browser is started.")
                    if stalls > MOST_STALLS:
                        raise Wrong("Home did not come, again and again.") from error
                else:
                    cold.append(visits[0])
                    warm.append(visits[1])
            say(f"  {number + 1}: first {cold[-1][0]:.2f} s, {cold[-1][1]:.2f} MiB; again {warm[-1][0]:.2f} s")
    figures["usable_s"] = statistics.median(seconds for seconds, _ in cold)
    figures["slowest_s"] = max(seconds for seconds, _ in cold)
    figures["home_mib"] = max(size for _, size in cold)
    figures["warm_s"] = statistics.median(seconds for seconds, _ in warm)
    figures["warm_mib"] = max(size for _, size in warm)


@contextmanager
def _page(product: Fleet, user: User) -> Iterator[tuple[Page, list[float]]]:
    """A tab of a fresh browser that holds nothing but a session, on the slow line, with the bytes that come over it.

    Under load that line now and then stands still for good: the server has sent all, and the browser reads nothing
    (seen in the queues of its sockets). Such a visit counts for nothing and is made again, MOST_STALLS times at most.
    """
    sessions = product.services.sessions
    token, _ = sessions.exchange(sessions.issue_ticket(user), address="127.0.0.1", user_agent="bench")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=bring(), args=list(ARGUMENTS))
        try:
            context = chromium.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": "backlot_session", "value": token, "url": product.address, "httpOnly": True}])
            page = context.new_page()
            page.set_default_timeout(STALLED_MS)
            yield page, _counting(context, page)
        finally:
            chromium.close()


def _visit(page: Page, product: Fleet, received: list[float]) -> tuple[float, float]:
    """Seconds from the navigation until Home is drawn and its script has ended, and MiB over the wire."""
    page.goto("about:blank")
    received.clear()
    began = time.monotonic()
    page.goto(product.address, wait_until="commit")
    page.get_by_role("heading", level=1).wait_for()
    for number in range(VIDEOS):
        page.get_by_text(f"first load {number}").filter(visible=True).first.wait_for()
    settle(page)
    seconds = time.monotonic() - began
    page.wait_for_timeout(1000 * QUIET)
    return seconds, sum(received) / MEBIBYTE


def _counting(context: BrowserContext, page: Page) -> list[float]:
    """The bytes that come over the line from now on, headers and websocket too; the line is as slow as LINE."""
    received: list[float] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)

    def frame(event: dict[str, Any]) -> None:
        said = event["response"]
        received.append(len(base64.b64decode(said["payloadData"]) if said["opcode"] == 2 else said["payloadData"]))

    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    session.on("Network.webSocketFrameReceived", frame)
    return received


def _wait_until_compressed(product: Fleet) -> None:
    """A server compresses its static files after its start. Raises Wrong when it does not."""
    deadline = time.monotonic() + READY_LIMIT
    with httpx.Client(base_url=product.address) as client:
        name = client.get("/").text.split('src="./static/js/')[1].split('"')[0]
        while "content-encoding" not in client.head(f"/static/js/{name}").headers:
            if time.monotonic() > deadline:
                raise Wrong("The static files are still plain.")
            time.sleep(0.2)


def _wait_until_done(product: Fleet, user: User, job_id: UUID) -> None:
    deadline = time.monotonic() + JOB_LIMIT
    while product.services.operations.job(user, job_id).state in {JobState.QUEUED, JobState.RUNNING}:
        if time.monotonic() > deadline:
            raise Wrong(f"The job {job_id} is not done after {JOB_LIMIT:.0f} s.")
        time.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.first_load", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    return run(parser, measure, names=NAMES, limits=LIMITS)


if __name__ == "__main__":
    sys.exit(main())
