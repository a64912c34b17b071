"""What playing a large film costs the server, and how soon it is seen: `python -m bench.playing --mib 700`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from uuid import UUID

from playwright.sync_api import Locator, Page

from bench.browser import settle, signed_in
from bench.client import Client
from bench.figures import Figure, percentile
from bench.fleet import PASSWORD, Fleet, fleet, temporary_home
from bench.footage import large, tiny
from bench.memory import Peaks, tree_mib
from bench.report import Wrong, run, say
from bench.sampling import sampled
from services.model import JobState, User

NAMES = ("server_growth_mib", "first_frame_ms", "seek_ms", "mib_s")
LIMITS = {"server_growth_mib": 20.0}
FLEET = {"BACKLOT_MEDIA_WORKERS": "1", "BACKLOT_DISK_RESERVE": "0", "BACKLOT_DISK_RESERVE_SHARE": "0"}
MEBIBYTE = 1024 * 1024
LOOK = 0.1  # seconds between two looks at the server's memory
JOB_LIMIT = 600.0  # seconds
SEEKS = 10
WATCHED_MS = 1000  # of the film after each seek

READY = "video => video.readyState || new Promise(done => video.addEventListener('loadedmetadata', done))"
# From the wish to a new picture on the screen.
FIRST_FRAME = """video => new Promise((done, failed) => {
    const asked = performance.now();
    setTimeout(() => failed(new Error('no picture came')), 60000);
    video.requestVideoFrameCallback(() => done(performance.now() - asked));
    video.muted = true;
    video.play();
})"""
SEEK = """(video, share) => new Promise((done, failed) => {
    const asked = performance.now();
    setTimeout(() => failed(new Error('no picture came')), 60000);
    video.onseeked = () => video.requestVideoFrameCallback(() => done(performance.now() - asked));
    video.currentTime = share * video.duration;
})"""


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    with temporary_home() as home:
        say("  making the film")
        film = large(home, mib=arguments.mib)
        with fleet(home, FLEET) as product:
            user = product.new_user("bench")
            client = Client(product.address, product.services.sessions.issue_ticket(user))
            say("  sending it, and waiting until the work on it has ended")
            small, whole = (accepted(product, user, client, path) for path in (tiny(home / "tiny.mp4"), film))
            web = product.processes["web"]
            with signed_in(product.address, name=user.name, password=PASSWORD) as page:
                opened(page, product, small).evaluate(FIRST_FRAME)  # a fresh process imports what pages need
                client.download(source_of(product, user, small))
                say("  playing it")
                before, peaks = tree_mib(web), Peaks({"web": web})
                with sampled(peaks.look, every=LOOK):
                    watch(opened(page, product, whole), page, figures)
                    started = time.perf_counter()
                    size = client.download(source_of(product, user, whole))
                    figures["mib_s"] = size / MEBIBYTE / (time.perf_counter() - started)
            if size < arguments.mib * MEBIBYTE:
                raise Wrong(f"Only {size} bytes came of {arguments.mib} MiB.")
            if before is not None and "web" in peaks.mib:
                figures["server_growth_mib"] = peaks.mib["web"] - before


def watch(video: Locator, page: Page, figures: dict[str, Figure]) -> None:
    """Play from the start, then here and there in the whole film."""
    figures["first_frame_ms"] = float(video.evaluate(FIRST_FRAME))
    seeks = []
    for number in range(SEEKS):
        # All over the film, forth and back: 7 and the count have no divisor in common.
        seeks.append(float(video.evaluate(SEEK, (number * 7 % SEEKS + 0.5) / SEEKS)))
        page.wait_for_timeout(WATCHED_MS)
    figures["seek_ms"] = percentile(seeks, 50)
    say(f"  seeks: p50 {percentile(seeks, 50):.0f} ms, slowest {max(seeks):.0f} ms")


def opened(page: Page, product: Fleet, video_id: UUID) -> Locator:
    """The player of a video's page, once it knows the film's length."""
    page.goto(f"{product.address}/video?id={video_id}")
    video = page.locator("section[aria-label=Player] video")
    video.wait_for()
    settle(page)
    video.evaluate(READY)
    return video


def accepted(product: Fleet, user: User, client: Client, film: Path) -> UUID:
    """The video of a film that was uploaded, once all work on it has ended. Raises Wrong."""
    sent = client.upload(film, name=film.name)
    deadline = time.monotonic() + JOB_LIMIT
    while (job := product.services.operations.job(user, sent.job_id)).state in {JobState.QUEUED, JobState.RUNNING}:
        if time.monotonic() > deadline:
            raise Wrong(f"The work on {film.name} did not end within {JOB_LIMIT:.0f} s.")
        time.sleep(0.2)
    if job.state is not JobState.SUCCEEDED:
        raise Wrong(f"The work on {film.name} {job.state}: {job.message}")
    return sent.video_id


def source_of(product: Fleet, user: User, video_id: UUID) -> str:
    source = product.services.videos.get(user, video_id).file("source")
    if source is None:
        raise Wrong("The video has no source.")
    return f"/api/files/{source.id}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.playing", description=__doc__)
    parser.add_argument("--mib", type=int, default=700)
    return run(parser, measure, names=NAMES, limits=LIMITS)


if __name__ == "__main__":
    sys.exit(main())
