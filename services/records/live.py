"""How unfinished jobs stand, as everybody who watches is shown: one statement, however many jobs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from services.model import JobKind, JobState, VideoState
from services.records.jobs import STAGE, JobRow, StageRow, stage_row


@dataclass(frozen=True, kw_only=True)
class WatchedJob:
    """A job, the stages it has in the order of the plan, and the video it is about.

    duration is seconds of the video, once it was probed; owner_id says who may see it.
    """

    job: JobRow
    stages: tuple[StageRow, ...]
    title: str
    owner_id: int
    owner: str
    video_state: VideoState
    duration: float | None


_JOBS = (
    "select j.id, j.video_id, j.user_id, j.kind, j.state, j.created_at, j.starts_at, j.finished_at,"
    " v.title, v.user_id as owner_id, v.state as video_state, v.duration"
    " from jobs j join videos v on v.id = j.video_id"
)
_WITH_STAGES = (
    f"select p.*, u.name as owner, {STAGE}"
    " from picked p join users u on u.id = p.owner_id join stages s on s.job_id = p.id"
    " left join leases l on l.id = s.lease_id order by p.id, s.id"
)


def unfinished(connection: Connection, *, limit: int, also: Collection[UUID] = ()) -> tuple[WatchedJob, ...]:
    """Up to limit unfinished jobs, of each person those that run before those that wait; and also these."""
    return _find(
        connection,
        "with shared as (select id from (select id, row_number() over"
        " (partition by user_id order by state desc, created_at desc) as place"
        " from jobs where state in ('queued', 'running')) unfinished order by place, id limit :limit),"
        f" picked as ({_JOBS} where j.id in (select id from shared) or j.id = any (:jobs)) {_WITH_STAGES}",
        {"limit": limit, "jobs": list(also)},
    )


def find(connection: Connection, job_ids: Collection[UUID]) -> tuple[WatchedJob, ...]:
    """Those of the jobs that there are."""
    return _find(
        connection, f"with picked as ({_JOBS} where j.id = any (:jobs)) {_WITH_STAGES}", {"jobs": list(job_ids)}
    )


def _find(connection: Connection, statement: str, parameters: dict[str, object]) -> tuple[WatchedJob, ...]:
    rows = connection.execute(text(statement), parameters).all()
    return tuple(_watched(list(of_job)) for _, of_job in groupby(rows, key=lambda row: row.id))


def _watched(rows: list[Row[Any]]) -> WatchedJob:
    row = rows[0]
    return WatchedJob(
        job=JobRow(
            id=row.id,
            video_id=row.video_id,
            user_id=row.user_id,
            kind=JobKind(row.kind),
            state=JobState(row.state),
            created_at=row.created_at,
            starts_at=row.starts_at,
            finished_at=row.finished_at,
        ),
        stages=tuple(map(stage_row, rows)),
        title=row.title,
        owner_id=row.owner_id,
        owner=row.owner,
        video_state=VideoState(row.video_state),
        duration=row.duration,
    )
