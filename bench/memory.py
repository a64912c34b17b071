"""Peak memory of process trees, sampled: the proportional set size, in which a shared page counts once for all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psutil

EVERY = 1.0  # seconds between two samples: reading the maps of a large process takes milliseconds
MEBIBYTE_IN_KIB = 1024


class Peaks:
    """The highest of all looks. roots maps a name to the process id at the root of a tree."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = roots
        self._peaks: dict[str, float] = {}

    @property
    def mib(self) -> dict[str, float]:
        """The peak of each tree in MiB; a tree that could not be read is not in it."""
        return dict(self._peaks)

    def look(self) -> None:
        for name, pid in self._roots.items():
            size = tree_mib(pid)
            if size is not None:
                self._peaks[name] = max(size, self._peaks.get(name, 0.0))


def tree_mib(pid: int) -> float | None:
    """MiB of a process and all its descendants now; None when the process is gone or may not be read."""
    try:
        members = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return None
    sizes = [size for size in map(_pss_kib, members) if size is not None]
    return sum(sizes) / MEBIBYTE_IN_KIB if sizes else None


def _pss_kib(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), None)
