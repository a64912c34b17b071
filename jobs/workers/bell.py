"""An RQ worker that takes every message on its queue as a wake."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any
from uuid import uuid4

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue as RqQueue
from rq.utils import as_text, now, utcformat
from rq.worker import BaseWorker, WorkerStatus
from rq.worker_registration import register

from services import keys
from services.bootstrap import Services, build
from services.logs import configure
from services.model import QueueName
from services.queue import StopCommand
from services.settings import Settings

WORKER_TTL = 915  # seconds; a blocked pop lasts 15 less, so an idle worker costs a few commands a quarter of an hour
HEARTBEAT_EVERY = 300.0  # seconds between heartbeats of a busy worker
DRAIN_SECONDS = 3.0  # how long a stage may still run after a request to stop
PERSIST_SECONDS = 1.0  # between attempts to reach Postgres
LONGEST_WAIT = 5.0  # seconds between attempts to reach Redis

log = structlog.get_logger()


class BellWorker(BaseWorker):
    """Keeps RQ's loop, registration, state, heartbeat, command channel and shutdown.

    A message has no result worth keeping, so RQ's bookkeeping per job is left out; work is claimed from Postgres in
    `answer_wake`. Pausing is ours too, so `rq suspend` is not polled for.
    """

    def __init__(self, queue: QueueName, services: Services, client: redis.Redis) -> None:
        super().__init__(
            [queue.value],
            name=f"{queue.value}-{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:4]}",
            connection=client,
            serializer="json",  # RQ deserialises nothing here; were it to, then not with pickle
            worker_ttl=WORKER_TTL,
        )
        self.queue_name = queue
        self.services = services
        self.refused_messages = 0
        self._listening = False
        self._heartbeat_at = 0.0

    def answer_wake(self) -> None:
        """Claim and run until nothing is left to claim."""
        raise NotImplementedError

    def stop_attempt(self, command: StopCommand) -> None:
        """End an attempt now; called from the command thread."""
        raise NotImplementedError

    def execute_job(self, job: Job, queue: RqQueue) -> None:
        self.services.sweeper.arm()
        self.answer_wake()

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, RqQueue]:
        """Wait for a wake. A reconnect counts as one, since bells may have been lost."""
        queue = self.queues[0]
        wake = Job(id=keys.wake(self.queue_name), connection=self.connection, serializer="json")
        wait = 0.0
        while not self._stop_requested:
            try:
                if wait:
                    self.register_again()
                    return wake, queue
                self.set_state(WorkerStatus.IDLE)
                self.heartbeat()
                self._listening = True
                popped = self.connection.blpop([queue.key], timeout)
                self._listening = False
                if popped is not None and self.is_genuine(as_text(popped[1])):
                    return wake, queue
            except redis.RedisError as error:
                self._listening = False
                wait = min(LONGEST_WAIT, wait + 1.0)
                log.warning("redis_does_not_answer", reason=type(error).__name__, again_in=wait)
                self._pause(wait)
        raise StopRequested

    def is_genuine(self, rq_job_id: str) -> bool:
        """Whether a popped id is our wake, signed by us; anything else runs nothing and is counted."""
        if rq_job_id == keys.wake(self.queue_name):
            data = self.connection.hget(Job.key_for(rq_job_id), "data")
            if isinstance(data, bytes) and self.services.queue.is_wake(data, self.queue_name):
                return True
        self.refused_messages += 1
        log.warning("message_refused", rq_job=rq_job_id[:80], refused=self.refused_messages)
        return False

    def handle_payload(self, message: dict[str, Any]) -> None:
        """Only our own signed stop command is obeyed: an exception here would end RQ's command thread."""
        command = self.services.queue.read_stop(self.name, message.get("data", b""))
        if command is None:
            self.refused_messages += 1
            log.warning("command_refused", refused=self.refused_messages)
            return
        try:
            self.stop_attempt(command)
        except Exception:
            log.exception("stop_failed")

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """At most once in five minutes; registers again when Redis has forgotten this worker."""
        if time.monotonic() - self._heartbeat_at < HEARTBEAT_EVERY:
            return
        self._heartbeat_at = time.monotonic()
        if self.connection.hset(self.key, "last_heartbeat", utcformat(now())):
            self.register_again()
        self.connection.expire(self.key, self.worker_ttl + 60)

    def tell_heartbeat(self) -> None:
        """A heartbeat in the middle of work, where Redis being away does not matter."""
        try:
            self.heartbeat()
        except redis.RedisError as error:
            log.warning("heartbeat_failed", reason=type(error).__name__)

    def tell_state(self, state: WorkerStatus) -> None:
        """The state for `rq info`, where Redis being away does not matter."""
        try:
            if self.get_state() != state:
                self.set_state(state)
        except redis.RedisError as error:
            log.warning("state_not_told", reason=type(error).__name__)

    def register_again(self) -> None:
        """Be known to RQ after Redis was away, and perhaps came back empty."""
        with self.connection.pipeline() as pipeline:
            pipeline.hset(self.key, mapping={**self.serialize(), "state": self.get_state()})
            pipeline.expire(self.key, self.worker_ttl + 60)
            register(self, pipeline)
            pipeline.execute()

    def check_for_suspension(self, burst: bool) -> None:
        """Pausing is ours, in Postgres."""

    def run_maintenance_tasks(self) -> None:
        """RQ's registries are not used: nothing to maintain."""

    def procline(self, message: str) -> None:
        """The process title stays the command line."""

    def handle_warm_shutdown_request(self) -> None:
        log.info("stopping", worker=self.name)

    def _shutdown(self) -> None:
        self._stop_requested = True
        if self._listening:
            raise StopRequested

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """A second signal changes nothing: the drain is short, and the supervisor kills what outlasts it."""

    def teardown(self) -> None:
        try:
            super().teardown()  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            log.warning("not_unregistered", reason=type(error).__name__)

    def _pause(self, seconds: float) -> None:
        """Sleep, but not through a request to stop."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stop_requested:
            time.sleep(0.1)


def connect_worker(services: Services) -> redis.Redis:
    """A client for a worker's blocking pop: RQ raises its time-out to fit; the connection is kept alive."""
    if services.settings.redis_url is None:
        raise ValueError("built services have a Redis URL")
    return redis.Redis.from_url(
        services.settings.redis_url.get_secret_value(),
        socket_connect_timeout=2.0,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


def wait_for_redis(client: redis.Redis) -> None:
    """Return once Redis answers: a worker may be started before it."""
    wait = 0.2
    while True:
        try:
            client.ping()
            return
        except redis.RedisError as error:
            log.warning("waiting_for_redis", reason=type(error).__name__)
            time.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 2)


def run_worker(settings: Settings, worker: Callable[[Services], BellWorker]) -> None:
    """Run one worker until it is told to stop."""
    configure(settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the supervisor decides
    services = build(settings)
    wait_for_redis(connect_worker(services))
    services.sweeper.arm()
    worker(services).work(logging_level="WARNING")
    services.close()
