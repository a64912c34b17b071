"""Puts work on the records without files: what tests of the queue need."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import text

from services.database import Database
from services.model import JobKind, Priority, QueueName, StageName, User
from services.records import jobs, stages, videos
from services.records.jobs import NewJob
from services.records.stages import Claim, Finish, Lease, Outcome


@dataclass(frozen=True, kw_only=True)
class Accepted:
    video_id: UUID
    job_id: UUID


def accept(
    database: Database,
    user: User,
    *,
    kind: JobKind = JobKind.PIPELINE,
    video_id: UUID | None = None,
    priority: Priority = Priority.NORMAL,
    jobs_per_hour: int = 1_000_000,
) -> Accepted:
    """A job on a new video, or on one that is there."""
    job_id = uuid4()
    with database.transaction() as connection:
        if video_id is None:
            video_id = uuid4()
            videos.create(connection, video_id=video_id, user_id=user.id, title="t", file_name="f", size=1, sha256="0")
            videos.add_source(
                connection, video_id=video_id, storage_key=f"{video_id}/source", media_type="video/mp4", size=1
            )
        recorded = videos.recorded_stages(connection, [video_id])[video_id].names
        job = NewJob(
            id=job_id,
            video_id=video_id,
            user_id=user.id,
            submitter_id=user.id,
            kind=kind,
            recorded=recorded,
            priority=priority,
        )
        jobs.accept(connection, job, jobs_per_hour=jobs_per_hour, actor="test")
    return Accepted(video_id=video_id, job_id=job_id)


def lease(name: str = "worker") -> Lease:
    return Lease(id=uuid4(), worker=name, host="test", pid=os.getpid())


def claim(
    database: Database, held: Lease, queue: QueueName, *, limit: int = 100, cap: int = 1000, seconds: float = 60
) -> tuple[Claim, ...]:
    with database.statement() as connection:
        return stages.claim_many(connection, queue, held, seconds=seconds, limit=limit, cap=cap)


def success(claimed: Claim, *, skips: dict[StageName, str] | None = None) -> Finish:
    return Finish(
        stage_id=claimed.stage_id,
        token=claimed.token,
        outcome=Outcome.SUCCEEDED,
        data={"made": claimed.token},
        skips=skips or {},
    )


def finish(database: Database, finishes: Sequence[Finish], *, worker: str = "worker") -> stages.Recorded:
    with database.statement() as connection:
        return stages.finish_many(connection, worker, finishes)


def lapse(database: Database, held: Lease) -> None:
    """Let a lease end now."""
    with database.transaction() as connection:
        connection.execute(
            text("update leases set expires_at = clock_timestamp() - interval '1 second' where id = :id"),
            {"id": held.id},
        )


def clear_work(database: Database) -> None:
    """No work of an earlier test is left; users stay."""
    with database.transaction() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(
            text(
                "truncate videos, uploads, jobs, stages, attempts, outputs, files, ai_calls, events, quota_uses,"
                " leases, turns cascade"
            )
        )
        connection.execute(text("update queues set paused = false, virtual_time = 0"))
