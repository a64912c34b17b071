"""One job as viewers are shown it: what changes it, and who may see it. Pure decisions, without stores or threads."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.live_pace import seconds_left
from services.model import UNFINISHED, JobState, StageName, StageState, User, job_percent
from services.permissions import Action, permits
from services.progress import StageProgress
from services.records.jobs import StageRow
from services.records.live import WatchedJob
from services.videos import message_of


@dataclass(frozen=True, kw_only=True)
class LiveJob:
    """A job as Postgres told it, moved on by what workers said since.

    percent never falls while the job is known, also where a stage begins anew. as_of is when its states were asked
    for, in seconds since 1970.
    """

    watched: WatchedJob
    percent: float
    as_of: float

    @property
    def id(self) -> UUID:
        return self.watched.job.id

    @property
    def is_unfinished(self) -> bool:
        return self.watched.job.state in UNFINISHED

    def may_be_seen_by(self, user: User) -> bool:
        return permits(user, Action.SEE, self.watched.owner_id)

    def shows_the_same_as(self, other: LiveJob) -> bool:
        return self.watched == other.watched and self.percent == other.percent


def as_loaded(watched: WatchedJob, before: LiveJob | None, *, as_of: float) -> LiveJob:
    """A job as it was just read; a stage that still runs keeps what its worker has said since the database knew."""
    if before is not None:
        known = {stage.id: stage for stage in before.watched.stages}
        watched = replace(watched, stages=tuple(_newer(stage, known.get(stage.id)) for stage in watched.stages))
    return LiveJob(watched=watched, percent=_percent(watched.stages, before), as_of=as_of)


def moved(job: LiveJob, told: StageProgress) -> LiveJob | None:
    """The job moved on by a worker's word; None when the stage does not run as far as is known."""
    stages = [
        replace(stage, percent=told.percent, message=told.message)
        if stage.name is told.stage and stage.state is StageState.RUNNING and told.percent is not None
        else stage
        for stage in job.watched.stages
    ]
    if told.percent is None or not _runs(job.watched.stages, told.stage):
        return None
    watched = replace(job.watched, stages=tuple(stages))
    return replace(job, watched=watched, percent=_percent(watched.stages, job))


def as_item(job: LiveJob, *, now: datetime) -> dict[str, object]:
    """What a viewer's browser is sent; times are in seconds since 1970, eta in seconds from now."""
    watched = job.watched
    left = seconds_left(watched.stages, watched.duration, now=now) if watched.job.state is JobState.RUNNING else None
    return {
        "video_id": str(watched.job.video_id),
        "job_id": str(job.id),
        "title": watched.title,
        "owner": watched.owner,
        "video_state": watched.video_state,
        "job_state": watched.job.state,
        "kind": watched.job.kind,
        "percent": round(job.percent, 1),
        "message": message_of(watched.job, watched.stages, now=now),
        "eta": None if left is None else math.ceil(left),
        "created_at": watched.job.created_at.timestamp(),
        "starts_at": watched.job.starts_at.timestamp(),
        "as_of": job.as_of,
        "stages": [
            {
                "name": stage.name,
                "state": stage.state,
                "percent": round(stage.percent, 1),
                "message": stage.message,
                "reason": stage.reason or "",
            }
            for stage in watched.stages
        ],
    }


def _newer(stage: StageRow, before: StageRow | None) -> StageRow:
    same_try = before is not None and before.state is stage.state and before.started_at == stage.started_at
    if before is None or not same_try or stage.state is not StageState.RUNNING or before.percent <= stage.percent:
        return stage
    return replace(stage, percent=before.percent, message=before.message)


def _percent(stages: Iterable[StageRow], before: LiveJob | None) -> float:
    stages = tuple(stages)
    now = job_percent({stage.name: stage.state for stage in stages}, {stage.name: stage.percent for stage in stages})
    return max(now, before.percent if before is not None else 0.0)


def _runs(stages: Iterable[StageRow], name: StageName) -> bool:
    return any(stage.name is name and stage.state is StageState.RUNNING for stage in stages)
