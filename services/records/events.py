"""Append-only history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True, kw_only=True)
class Event:
    at: datetime
    actor: str
    action: str
    reason: str | None
    job_id: UUID | None
    stage_id: int | None


def append(
    connection: Connection,
    *,
    actor: str,
    action: str,
    user_id: int | None = None,
    video_id: UUID | None = None,
    reason: str | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    connection.execute(
        text(
            "insert into events (actor, action, user_id, video_id, reason, details)"
            " values (:actor, :action, :user_id, :video_id, :reason, cast(:details as jsonb))"
        ),
        {
            "actor": actor,
            "action": action,
            "user_id": user_id,
            "video_id": video_id,
            "reason": reason,
            "details": json.dumps(dict(details or {})),
        },
    )


def count_of_late(connection: Connection, action: str, *, user_id: int, seconds: float) -> int:
    """How many of the newest 1,000 of this action, of no video and no job, are this user's and not older."""
    return int(
        connection.execute(
            text(
                "select count(*) from (select user_id, at from events where action = :action and video_id is null"
                " and job_id is null order by id desc limit 1000) as newest"
                " where user_id = :user_id and at > now() - make_interval(secs => :seconds)"
            ),
            {"action": action, "user_id": user_id, "seconds": seconds},
        ).scalar_one()
    )


def refused_messages(connection: Connection, *, hours: float) -> int:
    """How many messages on Redis workers refused within the last hours: forged, or signed with another key."""
    return int(
        connection.execute(
            text(
                "select coalesce(sum((details ->> 'count')::bigint), 0) from events where action = 'messages refused'"
                " and video_id is null and job_id is null and at > now() - make_interval(secs => :seconds)"
            ),
            {"seconds": hours * 3600},
        ).scalar_one()
    )


def of_video(connection: Connection, video_id: UUID, *, limit: int) -> tuple[Event, ...]:
    """Newest first."""
    rows = connection.execute(
        text(
            "select at, actor, action, reason, job_id, stage_id from events where video_id = :video_id"
            " order by id desc limit :limit"
        ),
        {"video_id": video_id, "limit": limit},
    )
    return tuple(Event(**row._mapping) for row in rows)
