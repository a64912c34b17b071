"""Looks at something again and again while a benchmark runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def sampled(look: Callable[[], None], *, every: float) -> Iterator[None]:
    """Look, on a thread, every so many seconds for as long as this is entered."""
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(every):
            look()

    thread = threading.Thread(target=run, name="sampling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
