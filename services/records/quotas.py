"""What users have used of their quotas; read and written inside the accept transaction."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, text


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
