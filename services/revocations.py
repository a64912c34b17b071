"""Which sessions and API tokens ended: every process is told of them by their ids, and hears of the others'."""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

import redis
import structlog

from services import keys

MEMORY_SECONDS = 1.0  # how long a check may be old
HEARD_MEMORY_SECONDS = 10.0  # the same while this process hears what ends

log = structlog.get_logger()


class Revocations:
    """Whoever remembers checks registers here, and is told what to forget; None means everything."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._forgetful: list[Callable[[UUID | None], None]] = []
        self._hears: Callable[[], bool] = lambda: False

    def heard_by(self, hears: Callable[[], bool]) -> None:
        """Whoever hands over what is published, and whether they hear now."""
        self._hears = hears

    def hears(self) -> bool:
        """Whether this process learns at once what ends."""
        return self._hears()

    def memory_seconds(self) -> float:
        """How long a check may be remembered now."""
        return HEARD_MEMORY_SECONDS if self._hears() else MEMORY_SECONDS

    def forgotten_by(self, forget: Callable[[UUID | None], None]) -> None:
        """Have told, from any thread, what is to be checked again at once."""
        self._forgetful.append(forget)

    def tell(self, ids: Collection[UUID]) -> None:
        """Have these forgotten here, then everywhere that hears; where nobody hears, checks are not kept for long."""
        for ended in ids:
            self._forget(ended)
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for ended in ids:
                    pipeline.publish(keys.revocations(), str(ended))
                pipeline.execute()
        except redis.RedisError as error:
            log.warning("revocation_not_told", count=len(ids), reason=type(error).__name__)

    def hear(self, data: object) -> None:
        """Anybody may publish one: it costs a look at Postgres, and no more. Raises ValueError for what is no id."""
        self._forget(UUID(data.decode() if isinstance(data, bytes) else str(data)))

    def forget_all(self) -> None:
        """What ended while this process did not hear is not known here."""
        self._forget(None)

    def _forget(self, ended: UUID | None) -> None:
        for forget in self._forgetful:
            forget(ended)
