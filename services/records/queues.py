"""Queues: what waits and runs on each, and which are paused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from services.model import QueueName


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """ready and running are stages; since, by and reason belong to a pause."""

    name: QueueName
    paused: bool
    since: datetime | None
    by: str | None
    reason: str | None
    ready: int
    running: int


def count_ready(connection: Connection, *, at_most: int) -> int:
    """How many stages are ready on all queues, counted no further than at_most."""
    return int(
        connection.execute(
            text("select count(*) from (select from stages where state = 'ready' limit :at_most) counted"),
            {"at_most": at_most},
        ).scalar_one()
    )


def set_paused(connection: Connection, queue: QueueName, *, paused: bool) -> bool:
    """Pause or resume a queue; False when it was so already."""
    changed = connection.execute(
        text("update queues set paused = :paused where name = :name and paused <> :paused returning name"),
        {"name": queue, "paused": paused},
    )
    return changed.one_or_none() is not None


def find_all(connection: Connection) -> tuple[QueueRow, ...]:
    """Every queue as it stands, media first."""
    rows = connection.execute(
        text(
            "select q.name, q.paused, e.at as since, coalesce(u.name, e.actor) as by, e.reason,"
            " (select count(*) from stages s where s.queue = q.name and s.state = 'ready') as ready,"
            " (select count(*) from stages s where s.queue = q.name and s.state = 'running') as running"
            " from queues q left join lateral ("
            "   select at, actor, reason from events where q.paused and action = 'queue paused'"
            "   and details ->> 'queue' = q.name and video_id is null and job_id is null order by id desc limit 1"
            " ) e on true left join users u on e.actor = 'user:' || u.id"
            " order by q.name desc"
        )
    )
    return tuple(QueueRow(**{**row._mapping, "name": QueueName(row.name)}) for row in rows)
