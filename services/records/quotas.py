"""What users have used of their quotas; read and written inside the accept transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True, kw_only=True)
class Quota:
    """at_most is everybody's limit, window is in seconds."""

    name: str
    at_most: int
    window: float


@dataclass(frozen=True, kw_only=True)
class QuotaUse:
    """used counts what lies within the window, also what is set for later, to the quota and no further.

    at_most is the limit of this user, everybody's or until overridden_until another, with its reason. free_at is when
    the next one fits; None while some are left.
    """

    at_most: int
    used: int
    free_at: datetime | None
    overridden_until: datetime | None
    reason: str | None


def lock_user(connection: Connection, user_id: int) -> bool:
    """Hold the user's row: two accepts of one user cannot both take the last of a quota. Whether there is one."""
    query = text("select from users where id = :id for no key update")
    return connection.execute(query, {"id": user_id}).one_or_none() is not None


def use_upload(connection: Connection, user_id: int, *, video_id: UUID) -> None:
    connection.execute(
        text(
            "insert into quota_uses (user_id, quota, at, video_id)"
            " values (:user_id, 'uploads', clock_timestamp(), :video_id)"
        ),
        {"user_id": user_id, "video_id": video_id},
    )


def uses_of(connection: Connection, user_id: int, *quotas: Quota) -> tuple[QuotaUse, ...]:
    """How much of each is used within its sliding window, by the clock that enforces it."""
    rows = connection.execute(
        text(
            "select own.value as at_most, own.until as overridden_until, (select reason from limit_overrides"
            " where own.until is not null and user_id = :user_id and limit_name = asked.name) as reason,"
            " (select count(*) from (select from quota_uses where user_id = :user_id and quota = asked.name"
            " and at > clock_timestamp() - span order by at desc limit own.value) as recent) as used,"
            " next_fits(:user_id, asked.name, asked.at_most, span) as free_at"
            " from unnest(cast(:names as text[]), cast(:limits as integer[]), cast(:windows as float8[]))"
            " with ordinality as asked (name, at_most, seconds, place),"
            " make_interval(secs => asked.seconds) as span, limit_of(:user_id, asked.name, asked.at_most) as own"
            " order by asked.place"
        ),
        {
            "user_id": user_id,
            "names": [quota.name for quota in quotas],
            "limits": [quota.at_most for quota in quotas],
            "windows": [quota.window for quota in quotas],
        },
    )
    return tuple(QuotaUse(**row._mapping) for row in rows)
