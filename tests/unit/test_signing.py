"""A secret is replaced step by step: the one before is accepted by whoever has the new one, and signs nothing."""

from __future__ import annotations

import json
import zlib
from uuid import uuid4

import pytest
import redis

from services.model import QueueName
from services.progress import JobChange, Progress
from services.queue import WAKE_FUNCTION, Queue, StopCommand

COMMAND = StopCommand(stage_id=7, token=3)
CHANGE = JobChange(job_id=uuid4(), video_id=uuid4())


class Recorder:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.published: list[bytes] = []

    def publish(self, channel: str, message: str | bytes) -> None:
        self.published.append(message.encode() if isinstance(message, str) else message)


def wake_of(queue: Queue) -> bytes:
    return zlib.compress(queue.serializer.dumps([WAKE_FUNCTION, None, ["media"], {}]))


def told(secret: str, previous: str | None = None) -> tuple[bytes, bytes, bytes]:
    """A wake, a stop command and progress, signed by a process with this secret."""
    recorder = Recorder()
    client: redis.Redis = recorder  # type: ignore[assignment]
    queue = Queue(client, secret=secret, previous=previous)
    queue.send_stop("worker", COMMAND)
    Progress(client, secret=secret, previous=previous).tell([CHANGE])
    return wake_of(queue), recorder.published[0], recorder.published[1]


@pytest.mark.parametrize(
    ("signer", "reader", "accepted"),
    [
        (("old", None), ("new", "old"), True),
        (("new", "old"), ("new", None), True),
        (("new", "old"), ("old", None), False),
        (("old", None), ("new", None), False),
        (("another", None), ("new", "old"), False),
    ],
)
def test_what_is_read(signer: tuple[str, str | None], reader: tuple[str, str | None], accepted: bool) -> None:
    wake, stop, progress = told(signer[0], signer[1])
    queue = Queue(redis.Redis(), secret=reader[0], previous=reader[1])
    assert queue.is_wake(wake, QueueName.MEDIA) is accepted
    assert queue.read_stop("worker", stop) == (COMMAND if accepted else None)
    assert Progress(redis.Redis(), secret=reader[0], previous=reader[1]).read(progress) == (
        (CHANGE,) if accepted else ()
    )
    assert json.loads(stop)["command"] == "stop-stage"
