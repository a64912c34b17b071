"""The one file that says what runs: `<home>/state.json`, for `status`, `doctor`, `submit`, tests and benchmarks."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.embedded import write_private

CLOCK_DRIFT = 2.0  # seconds that a process's start may seem to move when the system's clock is set


@dataclass(frozen=True, kw_only=True)
class State:
    """A running stack. The URLs hold passwords. supervisor_created and started_at are seconds since 1970."""

    supervisor_pid: int
    supervisor_created: float
    address: str
    database_url: str
    redis_url: str
    log_folder: str
    processes: dict[str, int]
    started_at: float


def read(home: Path) -> State | None:
    """The stack that runs on this home, or None; a file left by a dead supervisor counts for nothing."""
    try:
        state = State(**json.loads(_path(home).read_text()))
        created = psutil.Process(state.supervisor_pid).create_time()
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    return state if abs(created - state.supervisor_created) < CLOCK_DRIFT else None


def write(home: Path, state: State) -> None:
    """Replace the file, readable for its owner only."""
    write_private(_path(home), json.dumps(dataclasses.asdict(state), indent=2))


def remove(home: Path) -> None:
    _path(home).unlink(missing_ok=True)


def _path(home: Path) -> Path:
    return home.resolve() / "state.json"
