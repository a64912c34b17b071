"""Whether a new upload is taken now: not while too much waits, or while the disk or Redis is nearly full."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from services.database import Database
from services.errors import Unavailable
from services.health import redis_memory_used
from services.records import queues
from services.settings import Settings
from services.storage import LocalStorage

REMEMBERED = 5.0  # seconds for which figures are good enough
COME_BACK = 60.0  # seconds after which whoever was refused should ask again
REDIS_FULL = 0.8  # share of the memory that Redis may use
NOTHING_LOST = "Nothing was lost, and what was accepted goes on."


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """disk_reserve is in bytes, disk_reserve_share a share of the disk; the larger of the two stays free."""

    backlog: int
    disk_reserve: int
    disk_reserve_share: float

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        return cls(
            backlog=settings.backlog_limit,
            disk_reserve=settings.disk_reserve,
            disk_reserve_share=settings.disk_reserve_share,
        )

    def reserve(self, disk_size: int) -> float:
        """Bytes that an upload must leave free on a disk of this size."""
        return max(self.disk_reserve, self.disk_reserve_share * disk_size)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a decision rests on.

    ready_stages is counted to one beyond the bound and no further; disk_free and disk_size are in bytes; redis_used is
    a share of what Redis may use, None where nobody knows or where there is no such bound.
    """

    ready_stages: int
    disk_free: int
    disk_size: int
    redis_used: float | None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """reason is why not, and what to do; None: it is taken."""

    reason: str | None = None


def decide(figures: Figures, bounds: Bounds, *, size: int) -> Decision:
    """Whether an upload of so many bytes is begun now."""
    if figures.disk_free < size + bounds.reserve(figures.disk_size):
        return Decision(
            reason="The disk of the server is nearly full, so this upload was not begun. "
            f"{NOTHING_LOST} Try again later, or ask an operator to free some room."
        )
    if figures.ready_stages > bounds.backlog:
        return Decision(
            reason=f"More than {bounds.backlog:,} steps of earlier uploads wait for a worker, so this upload was not "
            f"begun. {NOTHING_LOST} Try again in a few minutes, or ask an operator whether the workers keep up."
        )
    if figures.redis_used is not None and figures.redis_used > REDIS_FULL:
        return Decision(
            reason=f"Redis is nearly full ({figures.redis_used:.0%} of its memory), so this upload was not begun. "
            f"{NOTHING_LOST} Try again later, or ask an operator to give Redis more memory."
        )
    return Decision()


def gather(database: Database, storage: LocalStorage, client: redis.Redis, *, backlog_limit: int) -> Figures:
    """The figures of this moment. Raises Unavailable when Postgres does not answer."""
    with database.statement() as connection:
        ready_stages = queues.count_ready(connection, at_most=backlog_limit + 1)
    room = storage.room()
    return Figures(
        ready_stages=ready_stages,
        disk_free=room.free,
        disk_size=room.size,
        redis_used=redis_memory_used(client),
    )


class Admission:
    """Remembers the figures for a few seconds, so that many uploads at once ask nobody more than one does."""

    def __init__(
        self, measure: Callable[[], Figures], bounds: Bounds, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._measure = measure
        self._bounds = bounds
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: tuple[float, Figures] | None = None

    @classmethod
    def of(cls, database: Database, storage: LocalStorage, client: redis.Redis, settings: Settings) -> Admission:
        bounds = Bounds.of(settings)
        return cls(functools.partial(gather, database, storage, client, backlog_limit=bounds.backlog), bounds)

    def decide(self, *, size: int) -> Decision:
        """Whether a new upload of so many bytes is taken now. Raises Unavailable when Postgres does not answer."""
        with self._lock:
            if self._remembered is None or self._clock() - self._remembered[0] > REMEMBERED:
                self._remembered = (self._clock(), self._measure())
            figures = self._remembered[1]
        return decide(figures, self._bounds, size=size)

    def require(self, *, size: int) -> None:
        """Raises Unavailable, with the reason, unless a new upload of so many bytes is taken now."""
        reason = self.decide(size=size).reason
        if reason is not None:
            raise Unavailable(reason, retry_after=COME_BACK)
