"""What one person may do in a while: requests a minute, jobs an hour, uploads a day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import redis

from services.database import Database
from services.model import LimitName, User
from services.permissions import Action, use_case
from services.records import quotas
from services.settings import Settings

DAY, HOUR, MINUTE = 86_400.0, 3600.0, 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class LimitUse:
    """What is used now of a sliding window, in seconds.

    free_at is when the next one fits, None while some are left; overridden_until is when the limit is everybody's
    again, None while it is.
    """

    name: LimitName
    limit: int
    used: int
    window: float
    free_at: datetime | None = None
    overridden_until: datetime | None = None

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, kw_only=True)
class LimitsView:
    """degraded: Redis does not answer, and requests are counted by this process alone.

    Uploads beyond the jobs of an hour are kept: the next job starts at jobs.free_at.
    """

    requests: LimitUse
    jobs: LimitUse
    uploads: LimitUse
    degraded: bool = False


@dataclass(frozen=True, kw_only=True)
class Override:
    """A limit of one person in place of everybody's; set_by is the name of who set it."""

    name: LimitName
    value: int
    reason: str
    until: datetime
    set_by: str
    set_at: datetime


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """How often a limit refused a person within the minute that begins at a time."""

    minute: datetime
    user_id: int
    name: LimitName
    refused: int


class Limits:
    def __init__(self, database: Database, client: redis.Redis, settings: Settings) -> None:
        self._database = database
        self._client = client
        self._settings = settings

    @contextmanager
    def request(self, user: User) -> Iterator[LimitUse]:
        """Spend one request of the user. Raises LimitReached."""
        yield LimitUse(name=LimitName.REQUESTS, limit=self._settings.requests_per_minute, used=0, window=MINUTE)

    @use_case(Action.ACCOUNT)
    def of(self, user: User) -> LimitsView:
        """What the user has used; it spends nothing. Raises Unavailable."""
        per_day, per_hour = self._settings.uploads_per_day, self._settings.jobs_per_hour
        with self._database.transaction() as connection:
            uploads = quotas.use_of(connection, user.id, "uploads", at_most=per_day, window=DAY)
            jobs = quotas.use_of(connection, user.id, "jobs", at_most=per_hour, window=HOUR)
        return LimitsView(
            requests=LimitUse(name=LimitName.REQUESTS, limit=self._settings.requests_per_minute, used=0, window=MINUTE),
            jobs=LimitUse(name=LimitName.JOBS, limit=per_hour, used=jobs.used, window=HOUR, free_at=jobs.free_at),
            uploads=LimitUse(
                name=LimitName.UPLOADS, limit=per_day, used=uploads.used, window=DAY, free_at=uploads.free_at
            ),
        )
