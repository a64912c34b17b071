"""Jobs: accept, cancel, retry, and how one stands."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from services.model import PLAN, JobKind, JobState, Priority, QueueName, StageName, StageState, stages_of


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """percent and message are what the worker last said, if the stage runs."""

    id: int
    job_id: UUID
    name: StageName
    state: StageState
    reason: str | None
    started_at: datetime | None
    finished_at: datetime | None
    percent: float
    message: str


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """options are what it was asked for beyond its kind (services/cuts.py)."""

    id: UUID
    video_id: UUID
    user_id: int
    kind: JobKind
    state: JobState
    created_at: datetime
    starts_at: datetime
    finished_at: datetime | None
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job to accept: on a video of user_id, out of the quota of submitter_id.

    recorded are the stages of the video that need not run again for it; options, which JSON can hold, are what it
    is asked for beyond its kind (services/cuts.py).
    """

    id: UUID
    video_id: UUID
    user_id: int
    submitter_id: int
    kind: JobKind
    recorded: Collection[StageName]
    priority: Priority
    options: Mapping[str, object] = field(default_factory=dict)

    def stages(self) -> list[dict[str, object]]:
        """What it needs run, in the order of the plan."""
        names = stages_of(self.kind, self.recorded)
        return [
            {
                "name": name,
                "queue": PLAN[name].queue,
                "after": [before for before in PLAN[name].after if before in names],
                "max_attempts": PLAN[name].max_attempts,
            }
            for name in names
        ]

    def ready_queues(self) -> tuple[QueueName, ...]:
        """Where its first stages wait."""
        names = stages_of(self.kind, self.recorded)
        return tuple({PLAN[name].queue for name in names if not set(PLAN[name].after) & set(names)})

    def as_item(self) -> dict[str, object]:
        return {
            "job_id": str(self.id),
            "video_id": str(self.video_id),
            "user_id": self.user_id,
            "submitter_id": self.submitter_id,
            "kind": self.kind,
            "priority": self.priority,
        }


@dataclass(frozen=True, kw_only=True)
class AcceptedJob:
    """It may run from starts_at on; ready_queues got work by it."""

    starts_at: datetime
    ready_queues: tuple[QueueName, ...]


@dataclass(frozen=True, kw_only=True)
class RunningAttempt:
    """An attempt that a cancel took away; worker is None when its lease had lapsed."""

    stage_id: int
    token: int
    worker: str | None


_JOB = "id, video_id, user_id, kind, state, created_at, starts_at, finished_at, options"


def accept(connection: Connection, job: NewJob, *, jobs_per_hour: int, actor: str) -> AcceptedJob:
    """Insert a job with its stages and use the quota: one statement."""
    starts_at: datetime = connection.execute(
        text(
            "select accept_job(:job_id, :video_id, :user_id, :submitter_id, :kind, cast(:priority as smallint),"
            " cast(:stages as jsonb), cast(:options as jsonb), :jobs_per_hour, :actor)"
        ),
        {
            **job.as_item(),
            "stages": json.dumps(job.stages()),
            "options": json.dumps(dict(job.options)),
            "jobs_per_hour": jobs_per_hour,
            "actor": actor,
        },
    ).scalar_one()
    return AcceptedJob(starts_at=starts_at, ready_queues=job.ready_queues())


def accept_many(connection: Connection, jobs: Sequence[NewJob], *, jobs_per_hour: int, actor: str) -> None:
    """The same for many: still one statement, and one transaction."""
    connection.execute(
        text("select accept_many(cast(:items as jsonb), :jobs_per_hour, :actor)"),
        {
            "items": json.dumps(
                [{**job.as_item(), "stages": job.stages(), "options": dict(job.options)} for job in jobs]
            ),
            "jobs_per_hour": jobs_per_hour,
            "actor": actor,
        },
    )


def cancel(connection: Connection, job_id: UUID, *, actor: str, reason: str) -> tuple[RunningAttempt, ...] | None:
    """The attempts that were running; None when nothing was left to cancel."""
    running = connection.execute(
        text("select cancel_job(:job, :actor, :reason)"), {"job": job_id, "actor": actor, "reason": reason}
    ).scalar_one()
    return None if running is None else tuple(RunningAttempt(**attempt) for attempt in running)


def retry(connection: Connection, job_id: UUID, *, actor: str, reason: str) -> tuple[QueueName, ...] | None:
    """The queues that got work; None when nothing had failed or been cancelled."""
    queues = connection.execute(
        text("select retry_job(:job, :actor, :reason)"), {"job": job_id, "actor": actor, "reason": reason}
    ).scalar_one()
    return None if queues is None else tuple(QueueName(queue) for queue in queues)


def find(connection: Connection, job_id: UUID) -> JobRow | None:
    row = connection.execute(
        text(f"select {_JOB} from jobs where id = :id"),
        {"id": job_id},
    ).one_or_none()
    return None if row is None else _job(row)


def of_video(connection: Connection, video_id: UUID) -> tuple[JobRow, ...]:
    """Newest first."""
    rows = connection.execute(
        text(f"select {_JOB} from jobs where video_id = :video_id order by created_at desc, id"),
        {"video_id": video_id},
    )
    return tuple(_job(row) for row in rows)


def stages(connection: Connection, job_ids: Sequence[UUID]) -> tuple[StageRow, ...]:
    """The stages of the jobs in the order of the plan, with the percents of the leases they run under."""
    rows = connection.execute(
        text(
            "select s.id, s.job_id, s.name, s.state, s.reason, s.started_at, s.finished_at,"
            " l.progress -> (s.id::text) as progress"
            " from stages s left join leases l on l.id = s.lease_id"
            " where s.job_id = any (:jobs) order by s.id"
        ),
        {"jobs": list(job_ids)},
    )
    return tuple(
        StageRow(
            id=row.id,
            job_id=row.job_id,
            name=StageName(row.name),
            state=StageState(row.state),
            reason=row.reason,
            started_at=row.started_at,
            finished_at=row.finished_at,
            percent=100.0 if row.state == StageState.SUCCEEDED else float((row.progress or {}).get("percent", 0)),
            message=str((row.progress or {}).get("message", "")),
        )
        for row in rows
    )


def has_unfinished(connection: Connection, video_id: UUID, name: StageName) -> bool:
    """Whether a job on the video has this stage still before it."""
    found: bool = connection.execute(
        text(
            "select exists (select from stages where video_id = :video_id and name = :name"
            " and state in ('waiting', 'ready', 'running'))"
        ),
        {"video_id": video_id, "name": name},
    ).scalar_one()
    return found


def count_by_state(connection: Connection) -> dict[JobState, int]:
    rows = connection.execute(text("select state, count(*) as count from jobs group by state"))
    return {JobState(row.state): row._mapping["count"] for row in rows}


def _job(row: Row[Any]) -> JobRow:
    return JobRow(**{**row._mapping, "kind": JobKind(row.kind), "state": JobState(row.state)})
