"""A real Streamlit server with the product's pages on the fakes, for as long as it is needed."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(*seed: str) -> Iterator[str]:
    """The address of a server on the fakes of fake_server.py, or of one of seeds.SEEDS."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.web.fake_server", str(port), *seed],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=1).close()  # noqa: S310  our own http address
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, "the server ended at its start"
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)
