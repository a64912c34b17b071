"""One of the processes of a storm on a limit: `python -m tests.integration.limit_storm`.

Each line of JSON on standard input orders one round; each line on standard output tells what every call came to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from services.bootstrap import Services, build
from services.errors import LimitReached
from services.model import JobKind, Role, User
from services.request_log import RequestLog
from services.settings import Settings

PROCESSES, THREADS = 4, 16
LIMITS = ("requests_per_minute", "jobs_per_hour", "uploads_per_day")
PATIENCE = 10.0  # seconds for Redis: a busy machine must not make a process count alone


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # where the product logs
    built: dict[str, Services] = {}
    with ThreadPoolExecutor(THREADS) as threads:
        for line in sys.stdin:
            order = json.loads(line)
            home, limits = order["home"], order["limits"]
            if home not in built:
                settings = Settings(_env_file=None).model_copy(update={"home": Path(home), **limits})
                built[home] = build(settings, patience=PATIENCE)
            user = User(id=order["user"], name="storm", role=Role.CREATOR, must_change_password=False)
            log = RequestLog(built[home].client, window=order.get("window", 60.0))
            made = [threads.submit(call, built[home], log, user, order, one) for one in order["of"]]
            answers.write(json.dumps([answer for one in made for answer in one.result()]) + "\n")
            answers.flush()
    for services in built.values():
        services.close()


def call(services: Services, log: RequestLog, user: User, order: dict[str, Any], of: str) -> list[str]:
    """A stamp, `done`, or the limit that refused."""
    if order["what"] == "stamps":
        stamps = []
        until = time.monotonic() + order["seconds"]
        while time.monotonic() < until:
            stamps.append(log.spend(user.id, limit=order["limit"]).stamp)
        return [stamp for stamp in stamps if stamp]
    acts: dict[str, Callable[[], object]] = {
        "requests": lambda: nothing(services, user),
        "complete": lambda: services.uploads.complete(user, UUID(of)),
        "submit": lambda: services.operations.submit(user, UUID(of), JobKind.TRANSCRIBE),
    }
    try:
        acts[order["what"]]()
    except LimitReached as refusal:
        return [str(refusal.limit)]
    return ["done"]


def nothing(services: Services, user: User) -> None:
    with services.limits.request(user):
        pass


class Storm:
    """The processes, of which each runs its share of a round with the limits and in the folder of settings."""

    def __init__(self, processes: Sequence[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def round(
        self, settings: Settings, what: str, user: User, of: Sequence[object] | None = None, **order: object
    ) -> list[str]:
        """One call for each of what is named, by 64 threads in all."""
        limits = {name: getattr(settings, name) for name in LIMITS}
        of = ["" for _ in range(PROCESSES * THREADS)] if of is None else [str(one) for one in of]
        for number, process in enumerate(self._processes):
            assert process.stdin is not None
            share = {"what": what, "user": user.id, "of": of[number::PROCESSES], "home": str(settings.home)}
            process.stdin.write(json.dumps(share | {"limits": limits} | order) + "\n")
            process.stdin.flush()
        answers: list[str] = []
        for process in self._processes:
            assert process.stdout is not None
            answers += json.loads(process.stdout.readline())
        return answers

    def counted(self, settings: Settings, what: str, user: User, of: Sequence[object] | None = None) -> Counter[str]:
        return Counter(self.round(settings, what, user, of))


@contextmanager
def storm(database_url: str, redis_url: str) -> Iterator[Storm]:
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BACKLOT_SECRET_KEY": "a secret of the tests",
        "BACKLOT_EMBEDDED": "never",
        "BACKLOT_DISK_RESERVE": "0",
        "BACKLOT_DISK_RESERVE_SHARE": "0",
    }
    command = [sys.executable, "-m", "tests.integration.limit_storm"]
    processes = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        yield Storm(processes)
    finally:
        for process in processes:
            process.communicate(timeout=60)


if __name__ == "__main__":
    main()
