"""What users have used of their quotas; read and written inside the accept transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True, kw_only=True)
class QuotaUse:
    """used counts what lies within the window, also what is set for later, to the quota and no further.

    free_at is when the next one fits; None while some are left.
    """

    used: int
    free_at: datetime | None


def lock_user(connection: Connection, user_id: int) -> None:
    """Hold the user's row, so that two accepts of one user cannot both take the last of a quota."""
    connection.execute(text("select from users where id = :id for no key update"), {"id": user_id})


def uploads_free_in(connection: Connection, user_id: int, *, per_day: int) -> float:
    """Seconds until one more upload fits into the sliding day; 0 or less when it fits now."""
    wait: float | None = connection.execute(
        text(
            "select extract(epoch from at + interval '1 day' - clock_timestamp())::float8 from quota_uses"
            " where user_id = :user_id and quota = 'uploads' order by at desc offset :offset limit 1"
        ),
        {"user_id": user_id, "offset": per_day - 1},
    ).scalar_one_or_none()
    return wait or 0.0


def use_upload(connection: Connection, user_id: int, *, video_id: UUID) -> None:
    connection.execute(
        text(
            "insert into quota_uses (user_id, quota, at, video_id)"
            " values (:user_id, 'uploads', clock_timestamp(), :video_id)"
        ),
        {"user_id": user_id, "video_id": video_id},
    )


def use_of(connection: Connection, user_id: int, quota: str, *, at_most: int, window: float) -> QuotaUse:
    """How much of a quota is used within the sliding window, in seconds, by the clock that enforces it."""
    row = connection.execute(
        text(
            "select count(*) as used,"
            " case when count(*) >= :at_most then min(at) + make_interval(secs => :window) end as free_at from ("
            " select at from quota_uses where user_id = :user_id and quota = :quota"
            " and at > clock_timestamp() - make_interval(secs => :window) order by at desc limit :at_most) as recent"
        ),
        {"user_id": user_id, "quota": quota, "at_most": at_most, "window": window},
    ).one()
    return QuotaUse(used=row.used, free_at=row.free_at)
