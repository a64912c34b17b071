"""Messages to users: written where a job ends (migrations/versions/notifications), read and ticked off here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from services.model import JobKind, JobState

KEPT_DAYS = 90  # whether they were read or not
COUNTED = 100  # nobody counts further
_OPEN_TO_USER = "n.user_id = :user_id and (:sees_all or v.user_id = :user_id)"  # a role may have been taken away


@dataclass(frozen=True, kw_only=True)
class NotificationRow:
    """outcome is succeeded or failed; reason says why a job failed; clips and posts are what the video has now."""

    id: int
    video_id: UUID
    title: str
    kind: JobKind
    outcome: JobState
    at: datetime
    read: bool
    reason: str | None
    clips: int
    posts: int


def newest(connection: Connection, user_id: int, *, sees_all: bool, limit: int) -> tuple[NotificationRow, ...]:
    """Newest first; only about videos that the user may still see."""
    rows = connection.execute(
        text(
            "select n.id, n.video_id, v.title, j.kind, n.kind as outcome, n.at, n.read_at is not null as read,"
            " (select s.reason from stages s where s.job_id = n.job_id and s.state = 'failed' order by s.id limit 1)"
            "  as reason,"
            f" {MADE.format(name='clips')} as clips, {MADE.format(name='posts')} as posts"
            " from notifications n join videos v on v.id = n.video_id join jobs j on j.id = n.job_id"
            f" where {_OPEN_TO_USER} order by n.id desc limit :limit"
        ),
        {"user_id": user_id, "sees_all": sees_all, "limit": limit},
    )
    return tuple(
        NotificationRow(
            **{
                **row._mapping,
                "kind": JobKind(row.kind),
                "outcome": JobState(row.outcome.removeprefix("job ")),
                "reason": row.reason if row.outcome == "job failed" else None,
            }
        )
        for row in rows
    )


def count_unread(connection: Connection, user_id: int, *, sees_all: bool) -> int:
    """How many of those that `newest` lists the user has not read, counted no further than COUNTED."""
    return int(
        connection.execute(
            text(
                "select count(*) from (select from notifications n join videos v on v.id = n.video_id"
                f" where {_OPEN_TO_USER} and n.read_at is null limit :most) counted"
            ),
            {"user_id": user_id, "sees_all": sees_all, "most": COUNTED},
        ).scalar_one()
    )


def mark_read(connection: Connection, user_id: int, ids: Sequence[int] | None) -> None:
    """Those of the user's among ids, or all of theirs when ids is None."""
    connection.execute(
        text(
            "update notifications set read_at = clock_timestamp() where user_id = :user_id and read_at is null"
            " and (cast(:ids as bigint[]) is null or id = any (cast(:ids as bigint[])))"
        ),
        {"user_id": user_id, "ids": None if ids is None else list(ids)},
    )


def drop_old(connection: Connection) -> None:
    """Those of everybody that are older than KEPT_DAYS."""
    connection.execute(
        text("delete from notifications where at < now() - make_interval(days => :days)"), {"days": KEPT_DAYS}
    )


# How many clips or posts the newest output of a video holds; v is the video.
MADE = (
    "coalesce((select jsonb_array_length(o.data -> '{name}') from outputs o"
    " where o.video_id = v.id and o.name = '{name}' order by o.stage_id desc limit 1), 0)"
)
