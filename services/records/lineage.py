"""How each output of a video was made, read from what stages, attempts, engines and people left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, text

from services.model import JobKind, StageName


@dataclass(frozen=True, kw_only=True)
class EngineUse:
    """quantity is counted in unit."""

    engine: str
    model: str
    prompt_version: str | None
    unit: str
    quantity: float
    cost: Decimal


@dataclass(frozen=True, kw_only=True)
class OutputLine:
    """One output. ready_at is when its last attempt could have begun; cost is that of all its attempts.

    asked_by is whoever asked for the job; None where nobody did.
    """

    stage_id: int
    name: StageName
    job_id: UUID
    kind: JobKind
    asked_by: str | None
    ready_at: datetime
    started_at: datetime
    finished_at: datetime
    attempts: int
    worker: str
    cost: Decimal
    uses: tuple[EngineUse, ...]


def of_video(connection: Connection, video_id: UUID) -> tuple[OutputLine, ...]:
    """Every output there is, newest first."""
    rows = connection.execute(
        text(
            "select o.stage_id, o.name, j.id as job_id, j.kind, u.name as asked_by, a.ready_at, a.started_at,"
            " a.finished_at, a.worker, tried.attempts, tried.cost, coalesce(used.calls, '[]') as calls"
            " from outputs o join jobs j on j.id = o.job_id"
            " join attempts a on a.stage_id = o.stage_id and a.token = o.token"
            " join lateral (select count(*) as attempts, sum(cost) as cost from attempts where stage_id = o.stage_id"
            " ) tried on true"
            # Cost as text: JSON knows no exact numbers.
            " left join lateral (select jsonb_agg(jsonb_build_object('engine', c.engine, 'model', c.model,"
            "  'prompt_version', c.prompt_version, 'unit', c.unit, 'quantity', c.quantity, 'cost', c.cost::text)"
            "  order by c.id) as calls from ai_calls c where c.stage_id = o.stage_id and c.token = o.token"
            " ) used on true"
            " left join lateral (select e.actor from events e where e.job_id = j.id and e.action = 'job accepted'"
            "  order by e.id limit 1) accepted on true"
            " left join users u on accepted.actor = 'user:' || u.id"
            " where o.video_id = :video_id order by o.stage_id desc"
        ),
        {"video_id": video_id},
    )
    return tuple(
        OutputLine(
            stage_id=row.stage_id,
            name=StageName(row.name),
            job_id=row.job_id,
            kind=JobKind(row.kind),
            asked_by=row.asked_by,
            ready_at=row.ready_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            attempts=row.attempts,
            worker=row.worker,
            cost=row.cost,
            uses=tuple(EngineUse(**{**call, "cost": Decimal(call["cost"])}) for call in row.calls),
        )
        for row in rows
    )
