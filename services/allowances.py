"""What a person has left of their limits, for pages to show before they are met."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.database import Database
from services.model import User
from services.records import quotas
from services.settings import Settings

DAY, HOUR = 86_400.0, 3600.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What is left now of the sliding day and hour; the times say when the next one fits, None while some are left.

    Uploads beyond the jobs of an hour are kept: the next job starts at jobs_free_at.
    """

    uploads_left: int
    uploads_per_day: int
    uploads_free_at: datetime | None
    jobs_left: int
    jobs_per_hour: int
    jobs_free_at: datetime | None


class Allowances:
    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def of(self, user: User) -> Allowance:
        """What the user has left. Raises Unavailable."""
        per_day, per_hour = self._settings.uploads_per_day, self._settings.jobs_per_hour
        with self._database.transaction() as connection:
            uploads = quotas.use_of(connection, user.id, "uploads", at_most=per_day, window=DAY)
            jobs = quotas.use_of(connection, user.id, "jobs", at_most=per_hour, window=HOUR)
        return Allowance(
            uploads_left=per_day - uploads.used,
            uploads_per_day=per_day,
            uploads_free_at=uploads.free_at,
            jobs_left=per_hour - jobs.used,
            jobs_per_hour=per_hour,
            jobs_free_at=jobs.free_at,
        )
