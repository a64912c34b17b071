"""`status`: what runs, where, how many jobs are in which state, and what is paused or refused."""

from __future__ import annotations

import argparse
from contextlib import closing
from datetime import UTC, datetime

import psutil

from console import configuration, state_file
from console.terminal import say
from services import bootstrap
from services.bootstrap import Services
from services.health import REFUSED_MESSAGES_ADVICE
from services.model import JobState
from services.operations import QueueRow
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
    with closing(bootstrap.build(configuration.connected(settings))) as services:
        describe_work(services)
    return 0


def describe_work(services: Services) -> None:
    """Say how many jobs and stages there are, and what is paused or refused."""
    user = services.accounts.first_admin()
    counts = services.operations.counts(user)
    say("Jobs: " + ", ".join(f"{counts.get(job_state, 0)} {job_state}" for job_state in JobState))
    for queue in services.operations.queues(user):
        say(_describe_queue(queue))
    refusal = services.admission.decide(size=1).reason
    if refusal is not None:
        say(f"New uploads are refused. Who tries is told: {refusal}")
    refused = services.operations.refused_messages(user, hours=24)
    if refused:
        say(f"Messages on Redis that workers refused in the last 24 h: {refused:,}. {REFUSED_MESSAGES_ADVICE}")


def _describe_queue(queue: QueueRow) -> str:
    line = f"Queue {queue.name}: {queue.ready} stages ready, {queue.running} running"
    if queue.pause is None:
        return line
    since = f" since {queue.pause.since.astimezone():%Y-%m-%d %H:%M:%S %Z}" if queue.pause.since else ""
    return (
        f"{line}; PAUSED{since} by {queue.pause.by}: {queue.pause.reason}\n"
        f"  `python -m console resume {queue.name}` lets it go on."
    )


def _describe(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        return f"{process.status()}, {process.memory_info().rss / 1024**2:.0f} MiB"
    except psutil.NoSuchProcess:
        return "has ended"
