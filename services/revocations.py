"""Which sessions and API tokens ended: every process is told of them by their ids, and hears of the others'."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection
from uuid import UUID

import redis
import structlog

from services import keys

MEMORY_SECONDS = 1.0  # how long a check may be old
TRUTH_SECONDS = 300.0  # how often everybody asks Postgres, whatever they heard
HEARD_MEMORY_SECONDS = 10.0  # the same while this process hears what ends
RELIED_SECONDS = 5.0  # for which whoever asked whether it hears relies on it
BURIED_SECONDS = 60  # for which Redis takes no session that ended, from whoever read it just before
BURIED = b"ended"
AGAIN_SECONDS = 0.5  # after which Redis is told again what it did not take
LAST_WORD_SECONDS = 2.0  # that whoever closes waits for Redis to answer

log = structlog.get_logger()


class Revocations:
    """Whoever remembers checks registers here, and is told what to forget; None means everything."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._forgetful: list[Callable[[UUID | None], None]] = []
        self._heard_within: Callable[[float], bool] = lambda seconds: False
        self._relied_at = -RELIED_SECONDS
        self._lock = threading.Lock()
        self._untold: dict[UUID, float] = {}  # since when, by the monotonic clock
        self._teller: threading.Thread | None = None
        self._closed = threading.Event()

    def heard_by(self, heard_within: Callable[[float], bool]) -> None:
        """Whoever hands over what is published, and whether Redis has said anything to them within some seconds."""
        self._heard_within = heard_within

    def hears(self) -> bool:
        """Whether this process learns at once what ends."""
        return self.memory_seconds() == HEARD_MEMORY_SECONDS

    def connected(self) -> bool:
        """The same without relying on it: of a silence it may learn half a minute late."""
        return self._heard_within(math.inf)

    def relied_on(self) -> bool:
        """Whether a silence of Redis would now keep somebody from learning what ends."""
        return time.monotonic() - self._relied_at < RELIED_SECONDS

    def memory_seconds(self) -> float:
        """How long a check may be remembered now: not for long once Redis is silent."""
        self._relied_at = time.monotonic()
        return HEARD_MEMORY_SECONDS if self._heard_within(MEMORY_SECONDS) else MEMORY_SECONDS

    def close(self) -> None:
        """Tell no more what Redis did not take."""
        self._closed.set()
        if self._teller is not None:
            self._teller.join(LAST_WORD_SECONDS)

    def forgotten_by(self, forget: Callable[[UUID | None], None]) -> None:
        """Have told, from any thread, what is to be checked again at once."""
        self._forgetful.append(forget)

    def tell(self, ids: Collection[UUID]) -> None:
        """Have these forgotten here, then by Redis and everywhere that hears.

        Where nobody hears, checks are not kept for long; where only this process does not reach Redis, it tries again.
        """
        for ended in ids:
            self._forget(ended)
        if ids and not self._tell_redis(ids):
            self._tell_later(ids)

    def bury(self, ended: UUID) -> None:
        """Have Redis know for a while that this ended, so that nobody puts it back."""
        try:
            _bury(self._client, ended)
        except redis.RedisError as error:
            log.warning("session_left_in_redis", reason=type(error).__name__)

    def hear(self, data: object) -> None:
        """Anybody may publish one: it costs a look at Postgres, and no more. Raises ValueError for what is no id."""
        self._forget(UUID(data.decode() if isinstance(data, bytes) else str(data)))

    def forget_all(self) -> None:
        """What ended while this process did not hear is not known here."""
        self._forget(None)

    def _forget(self, ended: UUID | None) -> None:
        for forget in self._forgetful:
            forget(ended)

    def _tell_redis(self, ids: Collection[UUID]) -> bool:
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for ended in ids:
                    _bury(pipeline, ended)
                    pipeline.publish(keys.revocations(), str(ended))
                pipeline.execute()
        except redis.RedisError as error:
            log.warning("revocation_not_told", count=len(ids), reason=type(error).__name__)
            return False
        return True

    def _tell_later(self, ids: Collection[UUID]) -> None:
        with self._lock:
            begins = not self._untold
            self._untold.update(dict.fromkeys(ids, time.monotonic()))
            if begins:
                self._teller = threading.Thread(target=self._tell_again, name="revocations", daemon=True)
                self._teller.start()

    def _tell_again(self) -> None:
        while not self._closed.wait(AGAIN_SECONDS):
            with self._lock:
                too_old = time.monotonic() - TRUTH_SECONDS
                self._untold = {ended: since for ended, since in self._untold.items() if since > too_old}
                ids = tuple(self._untold)
            told = not ids or self._tell_redis(ids)
            with self._lock:
                for ended in ids if told else ():
                    self._untold.pop(ended, None)
                if not self._untold:
                    return


def _bury(client: redis.Redis, ended: UUID) -> None:
    client.set(keys.session(ended), BURIED, ex=BURIED_SECONDS)
