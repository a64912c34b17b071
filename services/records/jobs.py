"""Jobs: accept, cancel, retry, and how one stands."""

from __future__ import annotations

import enum
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


class NotRetried(enum.StrEnum):
    SETTLED = "settled"  # nothing had failed or been cancelled
    REPLACED = "replaced"  # a newer job has a stage that this one would still run


@dataclass(frozen=True, kw_only=True)
class RunningAttempt:
    """An attempt that a cancel took away; worker is None when its lease had lapsed."""

    stage_id: int
    token: int
    worker: str | None


_JOB = "id, video_id, user_id, kind, state, created_at, starts_at, finished_at, options"


# Of the stage s, with how far it is by the lease l that it runs under.
STAGE = (
    "s.id as stage_id, s.job_id, s.name, s.state as stage_state, s.reason, s.started_at,"
    " s.finished_at as stage_finished_at, l.progress -> (s.id::text) as progress"
)


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


def retry(connection: Connection, job_id: UUID, *, actor: str, reason: str) -> tuple[QueueName, ...] | NotRetried:
    """The queues that got work, or why nothing was put back. Locks job and video."""
    row = connection.execute(
        text("select queues, refused from retry_job(:job, :actor, :reason)"),
        {"job": job_id, "actor": actor, "reason": reason},
    ).one()
    return tuple(QueueName(queue) for queue in row.queues) if row.refused is None else NotRetried(row.refused)


def find(connection: Connection, job_id: UUID) -> JobRow | None:
    row = connection.execute(
        text(f"select {_JOB} from jobs where id = :id"),
        {"id": job_id},
    ).one_or_none()
    return None if row is None else _job(row)


def find_between(connection: Connection, first: UUID, last: UUID) -> UUID | None:
    """The job with an id in this range, which holds one at most."""
    found: UUID | None = connection.execute(
        text("select id from jobs where id between :first and :last"), {"first": first, "last": last}
    ).scalar_one_or_none()
    return found


def of_video(connection: Connection, video_id: UUID) -> tuple[JobRow, ...]:
    """Newest first."""
    rows = connection.execute(
        text(f"select {_JOB} from jobs where video_id = :video_id order by created_at desc, id"),
        {"video_id": video_id},
    )
    return tuple(_job(row) for row in rows)


def newest(connection: Connection, video_ids: Sequence[UUID]) -> dict[UUID, JobRow]:
    """The newest job of each of the videos."""
    rows = connection.execute(
        text(
            f"select distinct on (video_id) {_JOB} from jobs where video_id = any (:ids)"
            " order by video_id, created_at desc, id"
        ),
        {"ids": list(video_ids)},
    )
    return {row.video_id: _job(row) for row in rows}


def stages(connection: Connection, job_ids: Sequence[UUID]) -> tuple[StageRow, ...]:
    """The stages of the jobs in the order of the plan, with the percents of the leases they run under."""
    rows = connection.execute(
        text(
            f"select {STAGE} from stages s left join leases l on l.id = s.lease_id"
            " where s.job_id = any (:jobs) order by s.id"
        ),
        {"jobs": list(job_ids)},
    )
    return tuple(map(stage_row, rows))


def stage_row(row: Row[Any]) -> StageRow:
    """The stage of a statement that asked for STAGE, and maybe for more."""
    state, progress = StageState(row.stage_state), row.progress or {}
    return StageRow(
        id=row.stage_id,
        job_id=row.job_id,
        name=StageName(row.name),
        state=state,
        reason=row.reason,
        started_at=row.started_at,
        finished_at=row.stage_finished_at,
        percent=100.0 if state is StageState.SUCCEEDED else float(progress.get("percent", 0)),
        message=str(progress.get("message", "")),
    )


def rendering(connection: Connection, video_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the videos of which clips are rendered now or will be; behind a stage that failed they wait in vain."""
    rows = connection.execute(
        text(
            "select distinct s.video_id from stages s where s.video_id = any (:ids) and s.name = 'clips'"
            " and (s.state in ('ready', 'running') or s.state = 'waiting' and not exists ("
            "  select from stages b where b.job_id = s.job_id and b.name = any (:before)"
            "  and b.state in ('failed', 'cancelled')))"
        ),
        {"ids": list(video_ids), "before": list(stages_of(JobKind.CLIPS))},
    )
    return frozenset(row.video_id for row in rows)


def count_by_state(connection: Connection) -> dict[JobState, int]:
    rows = connection.execute(text("select state, count(*) as count from jobs group by state"))
    return {JobState(row.state): row._mapping["count"] for row in rows}


def _job(row: Row[Any]) -> JobRow:
    return JobRow(**{**row._mapping, "kind": JobKind(row.kind), "state": JobState(row.state)})
