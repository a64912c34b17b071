"""The one line that says how a job stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.model import JobKind, JobState, StageName, StageState
from services.records.jobs import JobRow, StageRow
from services.videos import message_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(state: JobState, *, later: bool = False) -> JobRow:
    return JobRow(
        id=uuid4(),
        video_id=uuid4(),
        user_id=1,
        kind=JobKind.PIPELINE,
        state=state,
        created_at=NOW,
        starts_at=NOW + timedelta(hours=1) if later else NOW,
        finished_at=None,
    )


def stage(state: StageState, *, reason: str | None = None, message: str = "") -> StageRow:
    return StageRow(
        id=1,
        job_id=uuid4(),
        name=StageName.PROBE,
        state=state,
        reason=reason,
        started_at=None,
        finished_at=None,
        percent=0,
        message=message,
    )


@pytest.mark.parametrize(
    ("row", "stages", "expected"),
    [
        (job(JobState.FAILED), (stage(StageState.FAILED, reason="Bad file."),), "Bad file."),
        (job(JobState.FAILED), (stage(StageState.RUNNING), stage(StageState.FAILED)), "probe failed."),
        (job(JobState.RUNNING), (stage(StageState.RUNNING, message="Half way"),), "Half way"),
        (job(JobState.RUNNING), (stage(StageState.RUNNING),), "Looking at the file…"),
        (job(JobState.RUNNING), (stage(StageState.READY, reason="Busy."),), "Will be tried again. Busy."),
        (job(JobState.RUNNING), (stage(StageState.READY),), "Waiting for a free worker"),
        (job(JobState.QUEUED), (stage(StageState.READY),), "Queued"),
        (
            job(JobState.QUEUED, later=True),
            (stage(StageState.READY),),
            "Queued for later: the hourly limit of jobs is used up.",
        ),
        (job(JobState.SUCCEEDED), (stage(StageState.SUCCEEDED),), "Done"),
    ],
)
def test_the_message_of_a_job(row: JobRow, stages: tuple[StageRow, ...], expected: str) -> None:
    assert message_of(row, stages, now=NOW) == expected
