"""What comes from Redis runs nothing unless we signed it for this very queue or worker."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from services.model import QueueName
from services.queue import WAKE_FUNCTION, Queue, SignedJson, StopCommand
from services.signing import Keys


@pytest.fixture(scope="module")
def queue() -> Queue:
    return Queue(redis.Redis(), secret="ours")


def wake(serializer: SignedJson, function: str = WAKE_FUNCTION, arguments: object = ("media",)) -> bytes:
    return zlib.compress(serializer.dumps([function, None, list(arguments) if arguments else arguments, {}]))


def test_our_wake_is_one(queue: Queue) -> None:
    assert queue.is_wake(wake(queue.serializer), QueueName.MEDIA)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not compressed",
        zlib.compress(b"."),
        zlib.compress(json.dumps([WAKE_FUNCTION, None, ["media"], {}]).encode()),
        zlib.compress(b"00." + json.dumps(["os.system", None, ["true"], {}]).encode()),
        wake(SignedJson(Keys.of("theirs", "wake"))),
        wake(SignedJson(Keys.of("ours", "stop command"))),
        wake(SignedJson(Keys.of("ours", "wake")), function="os.system"),
        wake(SignedJson(Keys.of("ours", "wake")), arguments=("ai",)),
        wake(SignedJson(Keys.of("ours", "wake")), arguments=None),
        zlib.compress(SignedJson(Keys.of("ours", "wake")).dumps({"a": 1})),
        zlib.compress(b"0" * 50_000_000),
    ],
)
def test_anything_else_is_none(queue: Queue, data: bytes) -> None:
    assert not queue.is_wake(data, QueueName.MEDIA)


@given(st.binary(max_size=300))
def test_noise_is_none(data: bytes) -> None:
    queue = Queue(redis.Redis(), secret="ours")
    assert not queue.is_wake(data, QueueName.MEDIA)
    assert queue.read_stop("worker", data) is None


class Recorder:
    """A client that remembers what was published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []

    def publish(self, channel: str, message: str) -> None:
        self.published.append((channel, message))


def stop_message(secret: str, worker: str) -> bytes:
    recorder: Any = Recorder()
    Queue(recorder, secret=secret).send_stop(worker, StopCommand(stage_id=7, token=3))
    return str(recorder.published[0][1]).encode()


def test_a_stop_command_reaches_its_worker_only(queue: Queue) -> None:
    message = stop_message("ours", "media-1")
    assert queue.read_stop("media-1", message) == StopCommand(stage_id=7, token=3)
    assert queue.read_stop("media-2", message) is None
    assert queue.read_stop("media-1", stop_message("theirs", "media-1")) is None
    assert queue.read_stop("media-1", message.replace(b'\\"token\\": 3', b'\\"token\\": 4')) is None
    assert queue.read_stop("media-1", b'{"command": "shutdown"}') is None
