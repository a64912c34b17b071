"""How long a check of the limits takes and how exact it is, beside the library `limits`: `python -m bench.limits`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from bench.figures import Figure, percentile
from bench.fleet import temporary_home
from bench.peers import command
from bench.redis_commands import counted
from bench.report import Wrong, run, say
from services.database import Database, upgrade
from services.embedded import servers
from services.model import Role
from services.records import users

NAMES = (
    "p50_ms",
    "p99_ms",
    "commands",
    "admitted",
    "limit",
    "worst_window",
    "peer_p50_ms",
    "peer_p99_ms",
    "peer_commands",
)
LIMITS = {"p99_ms": 2.0, "commands": 4.0}
PROCESSES, THREADS = 4, 16
PER_SECOND = 500
PEOPLE = 50  # of whom each asks more often than the limit lets them: refusals are measured too
LIMIT = 100  # a minute
STORM_WINDOW = 1.0  # seconds
STORM_WINDOWS = 3.5


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    with temporary_home() as home, servers(home) as addresses, ExitStack() as stack:
        upgrade(addresses.database_url)
        people = _people(addresses.database_url)
        client = stack.enter_context(redis.Redis.from_url(addresses.redis_url))
        environment = os.environ | {
            "DATABASE_URL": addresses.database_url,
            "REDIS_URL": addresses.redis_url,
            "BACKLOT_HOME": str(home),
            "BACKLOT_EMBEDDED": "never",
            "BACKLOT_SECRET_KEY": secrets.token_urlsafe(48),
            "BACKLOT_REQUESTS_PER_MINUTE": str(LIMIT),
        }
        checks = round(arguments.seconds * PER_SECOND / PROCESSES)
        every = PROCESSES / PER_SECOND
        say(f"  {PROCESSES} processes of one thread, {PER_SECOND} checks a second in all, {arguments.seconds:g} s")
        ours = [[sys.executable, "-m", "bench.limit_calls"]] * PROCESSES
        with _asking(ours, environment) as processes:
            order = {"what": "pace", "checks": checks, "every": every, "users": people, "processes": PROCESSES}
            before = counted(client).total()
            answers = _told(processes, [order | {"process": number} for number in range(PROCESSES)])
            figures["commands"] = (counted(client).total() - before) / (checks * PROCESSES)
            figures["p50_ms"], figures["p99_ms"] = _times(answers)
            _require(sum(answer["admitted"] for answer in answers), checks * PROCESSES)
            say(f"  {PROCESSES} processes of {THREADS} threads on one window of {LIMIT}")
            storm = {"what": "storm", "user": people[0], "limit": LIMIT, "window": STORM_WINDOW, "threads": THREADS}
            client.flushall()
            answers = _told(processes, [storm | {"seconds": STORM_WINDOW * STORM_WINDOWS}] * PROCESSES)
        stamps = sorted(int(stamp) for answer in answers for stamp in answer["stamps"])
        figures["limit"] = LIMIT
        figures["admitted"] = sum(stamp < stamps[0] + STORM_WINDOW * 1e6 for stamp in stamps)
        figures["worst_window"] = worst_window(stamps, window=round(STORM_WINDOW * 1e6))
        say("  the moving window of the library")
        client.flushall()
        options = ["--limit", LIMIT, "--checks", checks, "--users", PEOPLE, "--every", every]
        words = [str(option) for option in options]
        peers = [command("limits_moving.py", *words, "--process", str(number)) for number in range(PROCESSES)]
        with _asking(peers, {"REDIS_URL": addresses.redis_url}) as processes:
            before = counted(client).total()
            answers = _told(processes, [{}] * PROCESSES)
            figures["peer_commands"] = (counted(client).total() - before) / (checks * PROCESSES)
        figures["peer_p50_ms"], figures["peer_p99_ms"] = _times(answers)


def worst_window(stamps: Sequence[int], *, window: int) -> int:
    """The most of the rising stamps that any rolling window holds."""
    return max((bisect_left(stamps, first + window) - at for at, first in enumerate(stamps)), default=0)


def _require(admitted: int, checks: int) -> None:
    expected = min(checks, PEOPLE * LIMIT)
    if admitted != expected:
        raise Wrong(f"{admitted} requests were admitted, and {expected} should have been.")


def _times(answers: Sequence[Mapping[str, Any]]) -> tuple[float | None, float | None]:
    took = [1000 * seconds for answer in answers for seconds in answer["took"]]
    return percentile(took, 50), percentile(took, 99)


def _people(database_url: str) -> list[int]:
    database = Database(database_url)
    with database.transaction() as connection:
        ids = [
            users.create(connection, name=f"bench-{number}", role=Role.CREATOR, password_hash="none")  # noqa: S106
            for number in range(PEOPLE)
        ]
    database.close()
    return [user_id for user_id in ids if user_id is not None]


@contextmanager
def _asking(commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ready, and wait for an order."""
    folder = Path(__file__).parents[1]
    processes = [
        subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for words in commands
    ]
    try:
        for process in processes:
            _line(process)
        yield processes
    finally:
        for process in processes:
            process.communicate(timeout=60)


def _told(processes: Sequence[subprocess.Popen[str]], orders: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    for process, order in zip(processes, orders, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    return [json.loads(_line(process)) for process in processes]


def _line(process: subprocess.Popen[str]) -> str:
    """What a process says next. Raises Wrong when it ended."""
    assert process.stdout is not None
    if not (line := process.stdout.readline()):
        raise Wrong("A process that asks the limits ended; its last words are above.")
    return line


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.limits", description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0, help="of checks at a steady pace")
    return run(parser, measure, names=NAMES, limits=LIMITS)


if __name__ == "__main__":
    sys.exit(main())
