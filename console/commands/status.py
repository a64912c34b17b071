"""`status`: what runs, where, and how many jobs are in which state."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import psutil

from console import configuration, state_file
from console.terminal import say
from services import bootstrap
from services.model import JobState
from services.settings import Settings


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """None."""


def run(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Returns 0 when a stack runs, or stores are set by URL, and 1 when nothing does."""
    state = state_file.read(settings.home)
    if state is None:
        say(f"Nothing runs on {settings.home.resolve()}. Start it with `make run`.")
        if settings.database_url is None:
            return 1
    else:
        since = datetime.fromtimestamp(state.started_at, UTC).astimezone()
        say(f"Backlot runs since {since:%Y-%m-%d %H:%M:%S %Z}: {state.address}")
        say(f"Logs: {state.log_folder}\n")
        for name, pid in {"supervisor": state.supervisor_pid, **state.processes}.items():
            say(f"  {name:<12} {pid:>8}  {_describe(pid)}")
        say("")
    counts = bootstrap.build(configuration.connected(settings)).operations.counts()
    say("Jobs: " + ", ".join(f"{counts.get(job_state, 0)} {job_state}" for job_state in JobState))
    return 0


def _describe(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        return f"{process.status()}, {process.memory_info().rss / 1024**2:.0f} MiB"
    except psutil.NoSuchProcess:
        return "has ended"
