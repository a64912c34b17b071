"""Counts the messages on Redis that are not ours."""

from __future__ import annotations

import threading
import time

import structlog

from services.bootstrap import Services
from services.errors import BacklotError

RECORD_EVERY = 60.0  # seconds

log = structlog.get_logger()


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
