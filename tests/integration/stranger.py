"""A stranger who can write to the Redis of two workers, and what they make of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from rq.worker import Worker

from services.model import QueueName
from services.queue import WAKE_FUNCTION, SignedJson
from services.signing import Keys
from tests.integration.fleet import Fleet, eventually

SECRET = "fleet"  # of the fleet's workers
QUEUES = tuple(QueueName)


class TellingFleet(Fleet):
    """Its workers put each refused message on record at once."""

    virtual_worker = "tests.integration.telling_worker"


class Ground:
    """A media and an ai worker that live through everything, and a stranger's connection to their Redis."""

    def __init__(self, folder: Path) -> None:
        self.fleet = TellingFleet(folder)
        self.canary = folder / "canary"
        self.workers = {queue: self.fleet.start(queue.value) for queue in QUEUES}
        self.stranger = redis.Redis.from_url(self.fleet.valkey.url)
        eventually(lambda: len(self.names()) == len(QUEUES), 30, "the registration of both workers")
        self.name = {queue: next(name for name in self.names() if name.startswith(queue)) for queue in QUEUES}

    def names(self) -> set[str]:
        return {member.decode().removeprefix("rq:worker:") for member in self.stranger.smembers("rq:workers")}

    def refused(self) -> int:
        return self.fleet.services.operations.refused_messages(self.fleet.user, hours=1)

    def expect_refused(self, count: int, deed: Callable[[], object]) -> None:
        """The deed makes so many messages that are refused, and no other."""
        self.hear_out()
        expected = self.refused() + count
        deed()
        eventually(lambda: self.refused() >= expected, 15, f"the count of {count} refused")
        assert self.refused() == expected

    def hear_out(self) -> None:
        """Wait until no genuine wake of an earlier job is on its way, which a forged hash would make a forged one."""
        eventually(lambda: not any(self.stranger.llen(f"rq:queue:{queue}") for queue in QUEUES), 10, "an empty queue")
        time.sleep(0.15)

    def push_to(self, queue: QueueName, rq_job_id: str | bytes, fields: dict[str, Any] | None = None) -> None:
        if fields is not None:
            self.stranger.hset(f"rq:job:{as_name(rq_job_id)}", mapping=fields)
        self.stranger.rpush(f"rq:queue:{queue}", rq_job_id)

    def state_of(self, worker: subprocess.Popen[bytes]) -> bytes | None:
        """What RQ is told of a worker; None of one that it does not know."""
        keys_of = [key for key in self.stranger.smembers("rq:workers") if f"-{worker.pid}-" in as_name(key)]
        return self.stranger.hget(keys_of[0], "state") if keys_of else None

    def close(self) -> None:
        self.stranger.close()
        self.fleet.stop()


def as_name(rq_job_id: str | bytes) -> str:
    return rq_job_id if isinstance(rq_job_id, str) else rq_job_id.decode(errors="replace")


def signed(*, secret: str = SECRET, purpose: str = "wake", function: str = WAKE_FUNCTION, queue: str) -> bytes:
    return SignedJson(Keys.of(secret, purpose)).dumps([function, None, [queue], {}])


def known_to_rq(ground: Ground) -> set[str]:
    try:
        return {worker.name for worker in Worker.all(connection=ground.stranger)}
    except redis.ResponseError:  # of another type still
        return set()


def start_patient(fleet: Fleet, queue: QueueName) -> subprocess.Popen[bytes]:
    """A worker with the product's own interval between records."""
    fleet.virtual_worker = Fleet.virtual_worker
    try:
        return fleet.start(queue.value)
    finally:
        fleet.virtual_worker = TellingFleet.virtual_worker
