"""Breaks a working fleet and counts what was lost: `python -m tests.chaos --pipelines N --faults M --seed S --json`.

Real workers, Postgres and Valkey; virtual stages. Progress on standard error; with --json one line of JSON at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import redis
from sqlalchemy import text

from services.embedded import start_postgres, start_valkey
from services.errors import Unavailable
from services.logs import configure
from tests.integration.fleet import LEASE, Fleet
from tests.invariants import violations

MEDIA_WORKERS = 3
POISON_EVERY = 37
DRAIN_SECONDS = 240.0


class Chaos:
    """A fleet, what was submitted to it, and the faults that were done to it."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet = fleet
        self._random = random.Random(seed)
        self._paused: list[tuple[float, subprocess.Popen[bytes]]] = []
        self.faults: Counter[str] = Counter()
        self.fault_times: list[float] = []
        self.jobs: list[UUID] = []
        self._kinds: dict[int, str] = {}
        for _ in range(MEDIA_WORKERS):
            self._start("media")
        self._start("ai")

    def submit(self) -> None:
        poison = len(self.jobs) % POISON_EVERY == POISON_EVERY - 1
        seconds = self._random.uniform(0.05, 0.3)
        try:
            self.jobs.append(self._fleet.submit("clips=crash" if poison else f"sleep:{seconds:.2f}"))
        except Unavailable:
            return  # said so, and accepted nothing

    def break_something(self) -> None:
        moves: list[tuple[int, Callable[[], None]]] = [
            (6, self._kill_worker),
            (3, self._kill_child),
            (3, self._flush),
            (2, self._kill_valkey),
            (2, self._kill_postgres),
            (2, self._pause_worker),
        ]
        move = self._random.choices([move for _, move in moves], [weight for weight, _ in moves])[0]
        move()
        self.faults[move.__name__.removeprefix("_")] += 1
        self.fault_times.append(time.time())

    def until_next_fault(self) -> float:
        """Seconds."""
        return self._random.uniform(0.5, 2.0)

    def tend(self) -> None:
        """Wake sleepers, and start again what died, as the supervisor does."""
        for until, worker in list(self._paused):
            if time.monotonic() >= until:
                with suppress(ProcessLookupError):  # another fault may have killed it asleep
                    os.killpg(worker.pid, signal.SIGCONT)
                self._paused.remove((until, worker))
        for worker in list(self._fleet.workers):
            if worker.poll() is not None:
                self._fleet.workers.remove(worker)
                self._start(self._kinds[worker.pid])

    def wake_all(self) -> None:
        self._paused = [(0.0, worker) for _, worker in self._paused]
        self.tend()

    def unfinished(self) -> int:
        with self._fleet.services.database.statement() as connection:
            count: int = connection.execute(
                text("select count(*) from jobs where state in ('queued', 'running')")
            ).scalar_one()
        return count

    def _start(self, kind: str) -> None:
        worker = self._fleet.start(kind)
        self._kinds[worker.pid] = kind

    def _kill_worker(self) -> None:
        self._random.choice(self._fleet.workers).kill()

    def _kill_child(self) -> None:
        """A child of a media worker, if one runs: half of the time there is none, and that is a fault too few."""
        for worker in self._random.sample(self._fleet.workers, len(self._fleet.workers)):
            listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(worker.pid)], capture_output=True, check=False)
            children = [int(pid) for pid in listing.stdout.split()]
            if children:
                with suppress(ProcessLookupError):
                    os.kill(children[0], signal.SIGKILL)
                return

    def _flush(self) -> None:
        redis.Redis.from_url(self._fleet.valkey.url).flushall()

    def _kill_valkey(self) -> None:
        process = self._fleet.valkey.process
        assert process is not None
        process.kill()
        process.wait()
        self._fleet.valkey = start_valkey(self._fleet.folder / "valkey")

    def _kill_postgres(self) -> None:
        process = self._fleet.postgres.process
        assert process is not None
        process.kill()
        process.wait()
        self._fleet.postgres = start_postgres(self._fleet.folder / "postgres")

    def _pause_worker(self) -> None:
        worker = self._random.choice(self._fleet.workers)
        if worker.poll() is not None:
            return
        os.killpg(worker.pid, signal.SIGSTOP)
        self._paused.append((time.monotonic() + LEASE + 2, worker))


def run(fleet: Fleet, *, pipelines: int, faults: int, seed: int) -> dict[str, object]:
    """The figures of one run, read from Postgres alone."""
    started = time.monotonic()
    chaos = Chaos(fleet, seed)
    next_fault = time.monotonic() + 1.0
    while len(chaos.jobs) < pipelines or sum(chaos.faults.values()) < faults:
        if len(chaos.jobs) < pipelines:
            chaos.submit()
        if sum(chaos.faults.values()) < faults and time.monotonic() >= next_fault:
            chaos.break_something()
            next_fault = time.monotonic() + chaos.until_next_fault()
        chaos.tend()
        time.sleep(0.05)
    chaos.wake_all()
    deadline = time.monotonic() + DRAIN_SECONDS
    while chaos.unfinished() and time.monotonic() < deadline:
        chaos.tend()
        sys.stderr.write(f"\r{chaos.unfinished()} jobs unfinished   ")
        time.sleep(0.5)
    time.sleep(LEASE)  # late writers may still try
    with fleet.services.database.transaction() as connection:
        broken = violations(connection)
        known = set(connection.execute(text("select id from jobs")).scalars())
        open_jobs = connection.execute(
            text("select count(*) from jobs where state in ('queued', 'running')")
        ).scalar_one()
        duplicated = connection.execute(
            text(
                "select count(*) from (select from attempts where outcome = 'succeeded'"
                " group by stage_id having count(*) > 1) twice"
            )
        ).scalar_one()
        successes = list(
            connection.execute(
                text(
                    "select extract(epoch from finished_at)::float8 from attempts"
                    " where outcome = 'succeeded' order by 1"
                )
            ).scalars()
        )
    recoveries = sorted(
        next(at for at in successes if at >= fault) - fault
        for fault in chaos.fault_times
        if successes and successes[-1] >= fault
    )
    return {
        "violations": sum(broken.values()),
        "violated": sorted(broken),
        "lost": len(set(chaos.jobs) - known) + open_jobs,
        "duplicated": duplicated,
        "recovery_p95_s": round(recoveries[int(len(recoveries) * 0.95)], 2) if recoveries else None,
        "faults": dict(chaos.faults),
        "pipelines": len(chaos.jobs),
        "wall_s": round(time.monotonic() - started, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--pipelines", type=int, default=500)
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder))
        configure(fleet.settings, level="ERROR")
        try:
            figures = run(fleet, pipelines=arguments.pipelines, faults=arguments.faults, seed=arguments.seed)
        finally:
            fleet.end()
    for name, value in figures.items():
        sys.stderr.write(f"\n{name:16} {value}")
    sys.stderr.write("\n")
    if arguments.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    return 0 if figures["violations"] == figures["lost"] == figures["duplicated"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
