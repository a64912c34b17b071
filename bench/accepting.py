"""Processes that submit jobs from several threads, as web servers do: `python -m bench.accepting FILE --threads 4`.

FILE has one line of JSON a call: [user id, kind, video ids]. It says `ready`, waits for a line, submits, and answers
with one line of JSON: when it began and ended, by the machine's monotonic clock.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bench.report import Wrong
from services.bootstrap import Services, build
from services.errors import Refused
from services.logs import configure
from services.model import JobKind, QueueName, Role, User
from services.settings import Settings

START_LIMIT = 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Order:
    """Jobs that a user submits in one call: one as a page does, several as `again` does."""

    user_id: int
    kind: JobKind
    video_ids: Sequence[UUID]


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """When the first submit began and the last had its answer, by time.monotonic of any process."""

    began: float
    ended: float


class Accepting:
    """Processes that stand ready."""

    def __init__(self, processes: Sequence[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def submit(self) -> Accepted:
        """Let all begin; returns when all are done. Raises Wrong when a process failed."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = []
        for process in self._processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise Wrong("A process that submits jobs failed; its last words are above.")
            told.append(json.loads(line))
        return Accepted(began=min(one["began"] for one in told), ended=max(one["ended"] for one in told))


@contextmanager
def accepting(
    orders: Sequence[Order], folder: Path, environment: Mapping[str, str], *, processes: int, threads: int
) -> Iterator[Accepting]:
    """That many processes, warm, with every so-manieth order each. Raises Wrong when one does not come up."""
    with ExitStack() as stack:
        started = []
        for number in range(processes):
            file = folder / f"orders-{number}.jsonl"
            lines = [
                json.dumps([order.user_id, order.kind, [str(video_id) for video_id in order.video_ids]])
                for order in orders[number::processes]
            ]
            file.write_text("\n".join(lines))
            process = subprocess.Popen(
                [sys.executable, "-m", "bench.accepting", str(file), "--threads", str(threads)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            started.append(process)
        for process in started:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise Wrong("A process that submits jobs did not start; its last words are above.")
        yield Accepting(started)


def _run(file: Path, threads: int) -> None:
    orders = [json.loads(line) for line in file.read_text().splitlines()]
    settings = Settings(_env_file=None)
    configure(settings, level="WARNING")  # to standard error: the answers go to standard output
    services = build(settings)
    warm = threading.Barrier(threads + 1, timeout=START_LIMIT)
    rung = threading.Barrier(threads + 1, timeout=START_LIMIT)
    go = threading.Event()
    failures: list[BaseException] = []

    def submit(part: Sequence[tuple[int, str, Sequence[str]]]) -> None:
        try:
            with services.database.statement():  # a connection each, so that the pools are as full as they will be
                warm.wait()
                services.queue.try_to_ring(QueueName.AI)
            rung.wait()
            go.wait()
            for user_id, kind, video_ids in part:
                user = User(id=user_id, name=f"bench-{user_id}", role=Role.CREATOR, must_change_password=False)
                _submit(services, user, JobKind(kind), [UUID(video_id) for video_id in video_ids])
        except BaseException as error:
            failures.append(error)
            raise

    workers = [threading.Thread(target=submit, args=(orders[number::threads],)) for number in range(threads)]
    for worker in workers:
        worker.start()
    warm.wait()
    rung.wait()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    began = time.monotonic()
    go.set()
    for worker in workers:
        worker.join()
    ended = time.monotonic()
    if failures:
        raise failures[0]
    sys.stdout.write(json.dumps({"began": began, "ended": ended}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()  # the sweeper that is armed here goes on, as a web server's would


def _submit(services: Services, user: User, kind: JobKind, video_ids: Sequence[UUID]) -> None:
    if len(video_ids) == 1:
        services.operations.submit(user, video_ids[0], kind)
        return
    for answer in services.operations.submit_many(user, video_ids, kind).values():
        if isinstance(answer, Refused):
            raise answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.accepting", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    asked = parser.parse_args()
    _run(asked.file, asked.threads)
