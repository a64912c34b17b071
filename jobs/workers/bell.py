"""An RQ worker that takes every message on its queue as a wake."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any
from uuid import uuid4

import psutil
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue as RqQueue
from rq.utils import now, utcformat
from rq.worker import BaseWorker, WorkerStatus
from rq.worker_registration import register

from jobs.workers.refused_messages import RefusedMessages
from services import keys
from services.bootstrap import WORKER_PATIENCE, Services, build
from services.listening import Listener
from services.logs import configure
from services.model import QueueName
from services.queue import StopCommand, is_of_another_type
from services.settings import Settings

WORKER_TTL = 915  # seconds; a blocked pop lasts 15 less, so an idle worker costs a few commands a quarter of an hour
HEARTBEAT_EVERY = 300.0  # seconds between heartbeats of a busy worker
KNOWN_SECONDS = WORKER_TTL + int(HEARTBEAT_EVERY) + 60  # a heartbeat that was not due yet, and then a whole pop
ROLL_CALL_EVERY = 5.0
DRAIN_SECONDS = 3.0  # how long a stage may still run after a request to stop
LOOK_EVERY = 5.0  # seconds between looks for work while Redis is away
LONGEST_PROCESS_NUMBER = 9  # digits: the system takes no larger ones
LONGEST_REDIS_PAUSE = 60.0  # seconds between attempts to reach Redis

log = structlog.get_logger()


class BellWorker(BaseWorker):
    """Keeps RQ's loop, registration, state, heartbeat and shutdown.

    A message has no result worth keeping, so RQ's bookkeeping per job is left out; work is claimed from Postgres in
    `answer_wake`. Pausing is ours too, so `rq suspend` is not polled for. Redis makes the worker quick and nothing
    else: while it is away, the worker looks for work by itself.
    """

    def __init__(self, queue: QueueName, services: Services) -> None:
        super().__init__(
            [queue.value],
            name=f"{queue}-{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:4]}",
            connection=connect_blocking(services),
            serializer="json",  # RQ deserialises nothing here; were it to, then not with pickle
            worker_ttl=WORKER_TTL,
        )
        self.queue_name = queue
        self.services = services
        self._quick = services.client  # the blocking pop has a connection of its own
        self._refused = RefusedMessages(services, self.name)
        self._listening = False
        self._is_registered = False
        self._heartbeat_at = 0.0
        self._roll_called_at = 0.0
        self._junk_at = 0.0
        self._asked_to_look = False
        self._redis_again_at = 0.0
        self._redis_pause = 0.0
        self._commands: Listener | None = None
        self._telling = threading.Lock()

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
        """Wait for a wake. A reconnect counts as one, since bells may have been lost, and so does a pause of Redis."""
        queue = self.queues[0]
        wake = Job(id=keys.wake(self.queue_name), connection=self.connection, serializer="json")
        while not self._stop_requested:
            if self._redis_again_at > time.monotonic():
                self._pause(min(LOOK_EVERY, self._redis_again_at - time.monotonic()))
                return wake, queue
            try:
                if not self._is_registered:
                    self.register_again()
                    self._quick.publish(keys.roll_call(), self.queue_name)  # others may be forgotten too
                    self._redis_pause = 0.0
                    return wake, queue
                self.set_state(self.idle_state())
                self.heartbeat()
                if not self._is_registered:  # by what was just told, or not told
                    continue
                self._listening = True
                if self._stop_requested:  # by a signal that came before, and was only noted
                    raise StopRequested
                popped = self.connection.blpop([queue.key], timeout)
                self._listening = False
                if popped is None:
                    continue
                if self.is_genuine(_as_text(popped[1])):
                    return wake, queue
                # Junk on the list kept others from ringing: look, but not for each piece of it.
                if time.monotonic() - self._junk_at > LOOK_EVERY:
                    self._junk_at = time.monotonic()
                    return wake, queue
            except (redis.RedisError, AttributeError, OSError) as error:  # the latter by `look`, from another thread
                was_listening, self._listening = self._listening, False
                if was_listening and self._asked_to_look:
                    self._asked_to_look = False
                    return wake, queue
                if not isinstance(error, redis.RedisError):
                    raise
                self._is_registered = False
                self._redis_pause = min(LONGEST_REDIS_PAUSE, 2 * self._redis_pause or 1.0)
                self._redis_again_at = time.monotonic() + self._redis_pause
                log.warning("redis_does_not_answer", reason=type(error).__name__, again_in=self._redis_pause)
        raise StopRequested

    def idle_state(self) -> WorkerStatus:
        """What `rq info` is to say of a worker that listens."""
        return WorkerStatus.IDLE

    def is_genuine(self, rq_job_id: str) -> bool:
        """Whether a popped id is our wake, signed by us; anything else runs nothing and is counted."""
        if rq_job_id == keys.wake(self.queue_name):
            data = self._data_of_wake()
            if isinstance(data, bytes) and self.services.queue.is_wake(data, self.queue_name):
                return True
        self._refused.count(rq_job_id)
        return False

    def _data_of_wake(self) -> object:
        try:
            return self._quick.hget(Job.key_for(keys.wake(self.queue_name)), "data")
        except redis.ResponseError as error:
            if not is_of_another_type(error):
                raise
            return None

    def obey(self, data: object) -> None:
        """Only our own signed stop command is obeyed."""
        command = self.services.queue.read_stop(self.name, data if isinstance(data, bytes) else b"")
        if command is None:
            self._refused.count("command")
            return
        self.stop_attempt(command)

    def subscribe(self) -> None:
        """RQ's own thread ends at the first error that is no lost connection, and did not start without Redis."""
        self._commands = Listener(
            self._quick,
            {
                self.pubsub_channel_name: self.obey,
                keys.roll_call(): lambda _data: self.answer_roll_call(),
                keys.call(self.queue_name): self.hear_call,
            },
        )
        self._commands.start()

    def unsubscribe(self) -> None:
        if self._commands is not None:
            self._commands.stop()

    def hear_call(self, data: object) -> None:
        """Redis is too full for wakes."""
        if isinstance(data, bytes) and self.services.queue.is_call(data, self.queue_name):
            self.look()
        else:
            self._refused.count("call")

    def look(self) -> None:
        """Look for work now, from any thread: what waits in the blocking pop is cut off, and looks for itself."""
        if self._listening:
            self._asked_to_look = True
            self.connection.connection_pool.disconnect()

    def answer_roll_call(self) -> None:
        """Redis was emptied. At most once in a while, since anybody may call on a Redis that they can write to."""
        if time.monotonic() - self._roll_called_at > ROLL_CALL_EVERY:
            self._roll_called_at = time.monotonic()
            try:
                self.register_again()
            except redis.RedisError as error:
                log.warning("not_registered", reason=type(error).__name__)

    def register_birth(self) -> None:
        """Redis may be away at a start: the worker works without it, and registers when it is back."""
        self.birth_date = self.last_heartbeat = now()
        try:
            self.services.queue.forget_workers(dead_workers(self._quick))
            self.register_again()
        except redis.RedisError as error:
            log.warning("not_registered", reason=type(error).__name__)

    def register_again(self) -> None:
        """Be known to RQ, also after Redis was away and perhaps came back empty.

        `rq info` shows the workers of queues that it knows, and RQ knows one only once something was put there.
        """
        with self._telling, self._quick.pipeline(transaction=False) as pipeline:
            pipeline.delete(self.key)  # it may be of another type by now
            pipeline.hset(self.key, mapping={**self.serialize(), "state": self.get_state()})
            pipeline.expire(self.key, KNOWN_SECONDS)
            register(self, pipeline)
            pipeline.sadd(RqQueue.redis_queues_keys, *self.queue_keys())
            pipeline.execute()
        self._heartbeat_at = time.monotonic()
        self._is_registered = True

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """At most once in five minutes; notes when Redis has forgotten this worker."""
        if time.monotonic() - self._heartbeat_at < HEARTBEAT_EVERY:
            return
        self._heartbeat_at = time.monotonic()
        self.last_heartbeat = now()
        self._refused.record()
        try:
            self._note_forgotten(self._quick.hset(self.key, "last_heartbeat", utcformat(now())))
            self._quick.expire(self.key, KNOWN_SECONDS)
        except redis.RedisError as error:
            log.warning("heartbeat_failed", reason=type(error).__name__)
            self._is_registered = False

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Tell `rq info`; notes when Redis is away or has forgotten this worker: registering again tells it."""
        if state == self._state:
            return
        try:
            with self._telling:  # else who answers a roll call tells the state before, and tells it last
                self._state = state
                self._note_forgotten(self._quick.hset(self.key, "state", state))
        except redis.RedisError as error:
            log.warning("state_not_told", reason=type(error).__name__)
            self._is_registered = False

    def _note_forgotten(self, fields_made: int) -> None:
        if fields_made:
            self._is_registered = False

    def procline(self, message: str) -> None:
        """The process title stays the command line."""

    def check_for_suspension(self, burst: bool) -> None:
        """Pausing is ours, in Postgres."""

    def run_maintenance_tasks(self) -> None:
        """RQ's registries are not used: nothing to maintain."""

    def _set_ip_address(self, connection: redis.Redis) -> None:
        """Not asked for: Redis may be away at a start."""
        self.ip_address = "unknown"

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the supervisor decides

    def _shutdown(self) -> None:
        self._stop_requested = True
        if self._listening:
            raise StopRequested

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """A second signal changes nothing: the drain is short, and the supervisor kills what outlasts it."""

    def teardown(self) -> None:
        self.unsubscribe()
        self._refused.record()
        self.services.queue.forget_workers([self.name])

    def _pause(self, seconds: float) -> None:
        """Sleep, but not through a request to stop."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stop_requested:
            time.sleep(0.1)


def dead_workers(client: redis.Redis) -> list[str]:
    """Names of workers that RQ still knows and whose process on this host is gone. Raises RedisError."""
    return [name for name in map(_name_of, client.smembers(BaseWorker.redis_workers_keys)) if name and _is_dead(name)]


def _name_of(key: bytes | str) -> str:
    return _as_text(key).removeprefix(BaseWorker.redis_worker_namespace_prefix)


def _as_text(name: bytes | str) -> str:
    """Anybody can write names into Redis that are no text."""
    return name if isinstance(name, str) else name.decode(errors="replace")


def _is_dead(name: str) -> bool:
    """By the name that a worker of ours gives itself; a stranger's name is left alone."""
    queue_and_host, _, process = name.rpartition("-")[0].rpartition("-")
    _, _, host = queue_and_host.partition("-")
    is_number = process.isdecimal() and len(process) <= LONGEST_PROCESS_NUMBER
    return host == socket.gethostname() and is_number and not psutil.pid_exists(int(process))


def connect_blocking(services: Services) -> redis.Redis:
    """A client for a worker's blocking pop: RQ raises its time-out to fit; the connection is kept alive."""
    if services.settings.redis_url is None:
        raise ValueError("built services have a Redis URL")
    return redis.Redis.from_url(
        services.settings.redis_url.get_secret_value(),
        socket_connect_timeout=2.0,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


def run_worker(settings: Settings, worker: Callable[[Services], BellWorker]) -> None:
    """Run one worker until it is told to stop. Raises Unavailable when a setting that is needed is missing."""
    configure(settings)
    services = build(settings, patience=WORKER_PATIENCE)
    services.sweeper.arm()
    worker(services).work(logging_level="WARNING")
    services.close()
