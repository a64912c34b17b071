"""What reaches a worker over Redis besides wakes: commands, and messages that are not ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import redis
import structlog

from services.bootstrap import Services
from services.errors import BacklotError

LISTEN_SECONDS = 30.0  # between two looks at whether to stop
LONGEST_PAUSE = 60.0  # seconds between attempts to listen again
RECORD_EVERY = 60.0  # seconds

log = structlog.get_logger()


class CommandListener:
    """A thread that hands what comes on channels to their handlers, whatever becomes of the connection meanwhile."""

    def __init__(self, client: redis.Redis, handlers: Mapping[str, Callable[[object], None]]) -> None:
        self._client = client
        self._handlers = handlers
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="commands", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(*self._handlers)
                    while not self._stopped.is_set():
                        message = subscription.get_message(timeout=LISTEN_SECONDS)
                        pause = 0.0
                        if message is not None:
                            self._handle(message)
            except redis.RedisError as error:
                pause = min(LONGEST_PAUSE, 2 * pause or 1.0)
                log.warning("commands_not_heard", reason=type(error).__name__, again_in=pause)

    def _handle(self, message: Mapping[str, object]) -> None:
        channel = message["channel"]
        try:
            self._handlers[channel.decode() if isinstance(channel, bytes) else str(channel)](message["data"])
        except Exception:
            log.exception("command_failed")


class RefusedMessages:
    """Counts messages that were not ours and puts the count on record, at most once a minute: anybody can send them."""

    def __init__(self, services: Services, worker: str) -> None:
        self._services = services
        self._worker = worker
        self._lock = threading.Lock()
        self._unrecorded = 0
        self._recorded_at = -RECORD_EVERY

    def count(self, what: str) -> None:
        with self._lock:
            self._unrecorded += 1
            if time.monotonic() - self._recorded_at < RECORD_EVERY:
                return
        log.warning("message_refused", what=what[:80])
        self.record()

    def record(self) -> None:
        with self._lock:
            count, self._unrecorded = self._unrecorded, 0
            self._recorded_at = time.monotonic()
        if not count:
            return
        try:
            self._services.operations.note_refused_messages(self._worker, count)
        except BacklotError as error:
            log.warning("refused_messages_not_recorded", reason=str(error))
            with self._lock:
                self._unrecorded += count
