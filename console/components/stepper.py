"""The stages of a job, and how far it is."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from console.components import component
from console.look import STAGE_NAMES, UNFINISHED, duration, moment
from services.model import JobState, StageState
from services.videos import JobView, StageRow

_stepper = component("stepper")


def stepper(job: JobView, *, timezone: tzinfo) -> None:
    """The stages of a job, and how far it is."""
    _stepper(data=_steps(job, timezone=timezone), key="stepper")


def _steps(job: JobView, *, timezone: tzinfo) -> dict[str, Any]:
    message = job.message
    if job.state is JobState.QUEUED and job.starts_at > datetime.now(UTC):
        message = f"{job.message} It starts {moment(job.starts_at, timezone=timezone)}."
    return {
        "unfinished": job.state in UNFINISHED,
        "percent": job.percent,
        "message": message,
        "stages": [
            {
                "id": str(stage.name),
                "name": STAGE_NAMES[stage.name],
                "state": str(stage.state),
                "note": _note(stage),
                "detail": (stage.message if stage.state is StageState.RUNNING else stage.reason) or "",
            }
            for stage in job.stages
        ],
    }


def _note(stage: StageRow) -> str:
    if stage.state is StageState.RUNNING:
        return f"{stage.percent:.0f}%"
    if stage.state is StageState.SUCCEEDED and stage.started_at and stage.finished_at:
        seconds = (stage.finished_at - stage.started_at).total_seconds()
        return f"{seconds:.1f} s" if seconds < 60 else duration(seconds) or ""
    return {
        StageState.WAITING: "waits",
        StageState.READY: "next",
        StageState.SUCCEEDED: "done",
        StageState.SKIPPED: "skipped",
        StageState.FAILED: "failed",
        StageState.CANCELLED: "cancelled",
    }.get(stage.state, "")
