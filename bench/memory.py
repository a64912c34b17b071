"""Peak memory of process trees, sampled: the proportional set size, in which a shared page counts once for all."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil

EVERY = 1.0  # seconds between two samples: reading the maps of a large process takes milliseconds
MEBIBYTE_IN_KIB = 1024


class Peaks:
    """A thread that samples while it is entered. roots maps a name to the process id at the root of a tree.

    every is the seconds between two samples.
    """

    def __init__(self, roots: Mapping[str, int], *, every: float = EVERY) -> None:
        self._roots = roots
        self._every = every
        self._peaks: dict[str, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> Peaks:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def mib(self) -> dict[str, float]:
        """The peak of each tree in MiB; a tree that could not be read is not in it."""
        return dict(self._peaks)

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
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
