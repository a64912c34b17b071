"""The stages of a job, and how far it is: drawn once, and moved by the live stream from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.components import component
from console.look import STAGE_NAMES, duration
from services.model import StageState
from services.videos import JobView, StageRow

_stepper = component("stepper", "live")


def stepper(job: JobView, *, as_of: float, changed: Callable[[], None]) -> None:
    """The stages of a job, and how far it is; nothing of one that succeeded. as_of is a moment before it was read.

    changed is called when the browser is told of another state than this, or of a newer job; as_of is in seconds since
    1970.
    """
    _stepper(data=_steps(job, as_of=as_of), key="stepper", on_changed_change=changed)


def _steps(job: JobView, *, as_of: float) -> dict[str, Any]:
    """The job in the form of the live stream, with the names of its stages and how long each took."""
    return {
        "video_id": str(job.video_id),
        "job_id": str(job.id),
        "job_state": str(job.state),
        "percent": job.percent,
        "message": job.message,
        "eta": None,
        "created_at": job.created_at.timestamp(),
        "starts_at": job.starts_at.timestamp(),
        "as_of": as_of,
        "stages": [
            {
                "name": str(stage.name),
                "state": str(stage.state),
                "percent": stage.percent,
                "message": stage.message,
                "reason": stage.reason or "",
            }
            for stage in job.stages
        ],
        "names": {str(stage.name): STAGE_NAMES[stage.name] for stage in job.stages},
        "took": {str(stage.name): took for stage in job.stages if (took := _took(stage))},
    }


def _took(stage: StageRow) -> str | None:
    if stage.state is not StageState.SUCCEEDED or stage.started_at is None or stage.finished_at is None:
        return None
    seconds = (stage.finished_at - stage.started_at).total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
