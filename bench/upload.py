"""How fast a large file comes in, cut off once on its way: `python -m bench.upload --mib 2048 --cut 0.6`."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path
from uuid import UUID

import psutil
from playwright.sync_api import expect
from sqlalchemy import text

from bench.browser import settle, signed_in
from bench.client import Client
from bench.figures import Figure
from bench.fleet import PASSWORD, Fleet, fleet, temporary_home
from bench.footage import tiny
from bench.memory import Peaks, tree_mib
from bench.report import Wrong, run, say
from bench.sampling import sampled
from tests.films import MP4_START

NAMES = ("mib_s", "server_growth_mib", "resent_mib", "sha256_ok", "chromium_mib_s", "copy_mib_s")
LIMITS = {"server_growth_mib": 20.0}
LEAST = {"mib_s": 100.0}
FLEET = {"BACKLOT_MEDIA_WORKERS": "1", "BACKLOT_DISK_RESERVE": "0", "BACKLOT_DISK_RESERVE_SHARE": "0"}
MEBIBYTE = 1024 * 1024
LOOK = 0.2  # seconds between two looks at the server's memory
IDLE_LOOK = 3.0  # seconds
IDLE_PERCENT = 3.0  # of a core
IDLE_LIMIT = 300.0  # seconds
ACCEPTED_MS = 600_000


def film(target: Path, *, mib: int) -> str:
    """A file of so many MiB that begins as an MP4, no MiB like another; its sha256."""
    noise = os.urandom(MEBIBYTE)
    digest = hashlib.sha256()
    with target.open("wb") as file:
        for number in range(mib):
            start = (MP4_START if number == 0 else b"") + number.to_bytes(8, "big")
            block = start + noise[len(start) :]
            file.write(block)
            digest.update(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    with temporary_home() as home:
        source = home / "film.mp4"
        sha256 = film(source, mib=arguments.mib)
        figures["copy_mib_s"] = arguments.mib / copied(source, home / "copy.mp4")
        with fleet(home, FLEET) as product:
            web = product.processes["web"]
            client = Client(product.address, product.services.sessions.issue_ticket(product.new_user("bench")))
            client.upload(tiny(home / "tiny.mp4"), name="tiny.mp4")  # a fresh process fills its pools
            wait_until_idle(web)
            before, peaks = tree_mib(web), Peaks({"web": web})
            with sampled(peaks.look, every=LOOK):
                started = time.perf_counter()
                cut = client.send_cut(source, at=int(arguments.cut * arguments.mib * MEBIBYTE))
                sent = client.upload(source, name=source.name)
                figures["mib_s"] = arguments.mib / (time.perf_counter() - started)
            figures["resent_mib"] = (cut.handed_over - cut.kept) / MEBIBYTE
            if before is not None and "web" in peaks.mib:
                figures["server_growth_mib"] = peaks.mib["web"] - before
            figures["sha256_ok"] = found_sha256(product, sent.video_id) == sha256
            if not figures["sha256_ok"]:
                raise Wrong("What was kept is not what was sent.")
            say(f"  an HTTP client: {figures['mib_s']:.0f} MiB/s, {figures['resent_mib']:.1f} MiB sent twice")
            figures["chromium_mib_s"] = arguments.mib / by_browser(product, source, sha256)


def wait_until_idle(pid: int) -> None:
    """A server that has just started packs its static files, in buffers of tens of MiB. Raises Wrong if it goes on."""
    process, deadline = psutil.Process(pid), time.monotonic() + IDLE_LIMIT
    while process.cpu_percent(interval=IDLE_LOOK) > IDLE_PERCENT:
        if time.monotonic() > deadline:
            raise Wrong(f"The web server is still busy {IDLE_LIMIT:.0f} s after its start.")


def copied(source: Path, target: Path) -> float:
    """Seconds that a plain copy takes, on disk when it ends."""
    started = time.perf_counter()
    with source.open("rb") as reading, target.open("wb") as writing:
        while block := reading.read(MEBIBYTE):
            writing.write(block)
        writing.flush()
        os.fsync(writing.fileno())
    seconds = time.perf_counter() - started
    target.unlink()
    return seconds


def by_browser(product: Fleet, source: Path, sha256: str) -> float:
    """Seconds from the choice of the file on the upload page until it is accepted. Raises Wrong for other content."""
    user = product.new_user("browser")
    with signed_in(product.address, name=user.name, password=PASSWORD) as page:
        page.goto(f"{product.address}/upload")
        page.get_by_role("button", name="Choose files").wait_for()
        settle(page)
        started = time.perf_counter()
        page.locator("input[type=file]").set_input_files(source)
        opening = page.get_by_role("link", name="Open video")
        expect(opening).to_be_visible(timeout=ACCEPTED_MS)
        seconds = time.perf_counter() - started
        video_id = UUID(opening.get_attribute("data-video"))
    if found_sha256(product, video_id) != sha256:
        raise Wrong("What the browser sent is not what was kept.")
    return seconds


def found_sha256(product: Fleet, video_id: UUID) -> str:
    """The hash of the file as it lies on the disk, which must be the one that its row names. Raises Wrong."""
    with product.services.database.transaction() as connection:
        row = connection.execute(
            text(
                "select v.sha256, f.storage_key from videos v join files f on f.video_id = v.id and f.role = 'source'"
                " where v.id = :id"
            ),
            {"id": video_id},
        ).one()
    with product.services.storage.path(row.storage_key).open("rb") as file:
        kept = hashlib.file_digest(file, "sha256").hexdigest()
    if kept != row.sha256:
        raise Wrong("The file on the disk is not the one that its row names.")
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.upload", description=__doc__)
    parser.add_argument("--mib", type=int, default=2048)
    parser.add_argument(
        "--cut", type=float, default=0.6, help="the share of the file after which the connection breaks"
    )
    return run(parser, measure, names=NAMES, limits=LIMITS, least=LEAST)


if __name__ == "__main__":
    sys.exit(main())
