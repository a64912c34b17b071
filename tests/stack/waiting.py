"""Waiting for something to become true."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], limit: float) -> float:
    """Seconds it took; fails after limit seconds."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < limit, f"not within {limit} s"
        time.sleep(0.02)
    return time.monotonic() - begun
