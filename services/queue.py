"""The edge to RQ: wakes and stop commands. A wake says that there is work on a queue, and names no stage."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.command import PUBSUB_CHANNEL_TEMPLATE
from rq.job import Job, JobStatus
from rq.queue import Queue as RqQueue
from rq.worker import BaseWorker
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

from services import keys
from services.errors import Unavailable
from services.model import QueueName
from services.signing import Keys

PERSON_PATIENCE = 0.2  # seconds that somebody waits for Redis before it is done without
WAKE_FUNCTION = "jobs.workers.wake"
LONGEST_WAKE = 4096  # bytes
STOP_COMMAND = "stop-stage"

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class StopCommand:
    """Stop one attempt of a stage."""

    stage_id: int
    token: int


class SignedJson:
    """RQ's serializer: JSON behind a signature. What is not signed with a key of ours is never read."""

    def __init__(self, signing: Keys) -> None:
        self._signing = signing

    def dumps(self, value: Any, /) -> bytes:
        body = json.dumps(value).encode()
        return self._signing.sign(body).encode() + b"." + body

    def loads(self, data: bytes, /) -> Any:
        """Raises ValueError for anything that we did not sign."""
        signature, _, body = data.partition(b".")
        if not self._signing.is_signed(body, signature.decode("ascii", "replace")):
            raise ValueError("The message is not signed by this product.")
        return json.loads(body)


class Queue:
    """Rings queues, sends stop commands, tidies RQ's registry. Never waits longer than the client's time-out."""

    def __init__(self, client: redis.Redis, *, secret: str, previous: str | None = None) -> None:
        self._client = client
        self.serializer = SignedJson(Keys.of(secret, "wake", previous=previous))
        self._commands = Keys.of(secret, "stop command", previous=previous)

    def ring(self, queue: QueueName) -> None:
        """Put a wake on the queue unless one is waiting there. Raises Unavailable."""
        rq_queue = RqQueue(queue.value, connection=self._client, serializer=self.serializer)
        try:
            try:
                self._put_wake(queue, rq_queue)
            except redis.ResponseError as error:
                if not is_of_another_type(error):
                    raise
                self._client.delete(rq_queue.key, Job.key_for(keys.wake(queue)))
                self._put_wake(queue, rq_queue)
        except redis.exceptions.OutOfMemoryError as error:
            self._call(queue, error)
        except redis.RedisError as error:
            raise Unavailable("Redis does not answer: work is accepted, and starts once it is back.") from error

    def _call(self, queue: QueueName, cause: redis.RedisError) -> None:
        """A full Redis takes no wake, but still carries what it need not keep. Raises Unavailable."""
        try:
            self._client.publish(keys.call(queue), self.serializer.dumps(_wake_message(queue)))
        except redis.RedisError as error:
            raise Unavailable("Redis does not answer: work is accepted, and starts once it is back.") from error
        log.warning("redis_is_full", queue=queue.value, reason=type(cause).__name__)

    def _put_wake(self, queue: QueueName, rq_queue: RqQueue) -> None:
        if self._client.llen(rq_queue.key):
            return
        rq_job = Job.create(
            WAKE_FUNCTION,
            args=[queue.value],
            id=keys.wake(queue),
            connection=self._client,
            serializer=self.serializer,
            origin=queue.value,
            status=JobStatus.QUEUED,
            description=f"there is work on {queue.value}",
        )
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hset(rq_job.key, mapping=rq_job.to_dict())
            pipeline.rpush(rq_queue.key, rq_job.id)
            new_fields, _ = pipeline.execute()
        if new_fields:
            self._introduce(rq_queue)

    def _introduce(self, rq_queue: RqQueue) -> None:
        """Redis was emptied, unless a worker has made the queue known: have the workers register again."""
        if self._client.sadd(RqQueue.redis_queues_keys, rq_queue.key):
            self._client.publish(keys.roll_call(), rq_queue.name)

    def try_to_ring(self, *queues: QueueName) -> bool:
        """Ring where Redis answers; whether it did. What was not rung for, the sweeper rings for."""
        try:
            for queue in queues:
                self.ring(queue)
        except Unavailable as error:
            log.warning("ring_failed", queues=[queue.value for queue in queues], reason=str(error))
            return False
        return True

    def forget_workers(self, names: Collection[str]) -> None:
        """Remove dead workers from RQ's registry, where they would show as busy for a quarter of an hour."""
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for name in names:
                    key = f"{BaseWorker.redis_worker_namespace_prefix}{name}"
                    pipeline.delete(key)
                    pipeline.srem(REDIS_WORKER_KEYS, key)
                    for queue in QueueName:
                        pipeline.srem(WORKERS_BY_QUEUE_KEY % queue, key)
                pipeline.execute()
        except redis.RedisError as error:
            log.warning("workers_not_forgotten", reason=type(error).__name__)

    def is_wake(self, data: bytes, queue: QueueName) -> bool:
        """Whether the data of an rq_job is a wake for this queue that we signed."""
        try:
            return self.is_call(zlib.decompressobj().decompress(data, LONGEST_WAKE), queue)
        except zlib.error:
            return False

    def is_call(self, data: bytes, queue: QueueName) -> bool:
        """Whether a message on the queue's channel is a wake that we signed."""
        try:
            return bool(self.serializer.loads(data) == _wake_message(queue))
        except (ValueError, RecursionError):
            return False

    def send_stop(self, worker: str, command: StopCommand) -> None:
        """Tell a worker to stop an attempt now. Best effort: the worker's next beat tells it too."""
        body = json.dumps({"worker": worker, "stage_id": command.stage_id, "token": command.token})
        message = {"command": STOP_COMMAND, "body": body, "signature": self._commands.sign(body.encode())}
        try:
            self._client.publish(PUBSUB_CHANNEL_TEMPLATE % worker, json.dumps(message))
        except redis.RedisError as error:
            log.warning("stop_command_failed", worker=worker, reason=str(error))

    def read_stop(self, worker: str, data: bytes) -> StopCommand | None:
        """The stop command in a message on the worker's channel; None when it is not one of ours for this worker."""
        try:
            message = json.loads(data)
            body = message["body"]
            if message["command"] != STOP_COMMAND or not self._commands.is_signed(body.encode(), message["signature"]):
                return None
            fields = json.loads(body)
            if fields["worker"] != worker:
                return None
            return StopCommand(stage_id=int(fields["stage_id"]), token=int(fields["token"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


def is_of_another_type(error: redis.ResponseError) -> bool:
    """Whether something else lies where a key of ours belongs: somebody put it there."""
    return "WRONGTYPE" in str(error)


def connect(url: str, *, patience: float = PERSON_PATIENCE) -> redis.Redis:
    """A client that gives up after patience seconds: quickly where a person waits, later where nobody does."""
    return redis.Redis.from_url(
        url, socket_timeout=patience, socket_connect_timeout=max(0.5, patience), retry=Retry(NoBackoff(), 0)
    )


def _wake_message(queue: QueueName) -> list[object]:
    """What RQ makes of the wake: function, object, arguments, keyword arguments."""
    return [WAKE_FUNCTION, None, [queue.value], {}]
