"""Queues: what waits and runs on each, and which are paused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from services.model import QueueName


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Since when nothing is claimed from a queue, by whose doing, and why; since is None where no event says it."""

    queue: QueueName
    since: datetime | None
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """ready and running are stages; pause is None while the queue goes on."""

    name: QueueName
    pause: Pause | None
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


def find_paused(connection: Connection) -> tuple[Pause, ...]:
    """The pauses that hold now."""
    rows = connection.execute(
        text(
            "select q.name as queue, e.at as since, coalesce(u.name, e.actor, 'somebody') as by,"
            " coalesce(e.reason, 'the reason is not on record') as reason"
            " from queues q left join lateral ("
            "   select at, actor, reason from events where action = 'queue paused' and details ->> 'queue' = q.name"
            "   and video_id is null and job_id is null order by id desc limit 1"
            " ) e on true left join users u on e.actor = 'user:' || u.id"
            " where q.paused"
        )
    )
    return tuple(Pause(**{**row._mapping, "queue": QueueName(row.queue)}) for row in rows)


def find_all(connection: Connection) -> tuple[QueueRow, ...]:
    """Every queue as it stands, media first."""
    pauses = {pause.queue: pause for pause in find_paused(connection)}
    rows = connection.execute(
        text(
            "select q.name,"
            " (select count(*) from stages s where s.queue = q.name and s.state = 'ready') as ready,"
            " (select count(*) from stages s where s.queue = q.name and s.state = 'running') as running"
            " from queues q order by q.name desc"
        )
    )
    return tuple(
        QueueRow(name=QueueName(row.name), pause=pauses.get(QueueName(row.name)), ready=row.ready, running=row.running)
        for row in rows
    )
