"""Clips to play and to cut again by words, each with its explained score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from console.components import component
from console.look import file_address, moment
from services import cuts
from services.edits import HIDDEN
from services.errors import BadInput
from services.limits import LimitsView
from services.model import UNFINISHED, JobState, StageName
from services.outputs import Clip, ClipsOutput, ProbeOutput, ThumbnailsOutput
from services.videos import JobView, VideoDetail

_clips = component("clips", "live", "saving", "copying", "cutting", "cut_editor")

SHAPES = ("portrait", "landscape")


def clips(
    video: VideoDetail,
    shots: Sequence[Mapping[str, Any]],
    *,
    limits: LimitsView | None,
    timezone: tzinfo,
    changed: Callable[[], None],
) -> None:
    """Clips to play and to cut again; shots are the pictures of `gallery`. changed is called when a job moved on."""
    output, probed = video.outputs.get(StageName.CLIPS), video.outputs.get(StageName.PROBE)
    thumbnails = video.outputs.get(StageName.THUMBNAILS)
    made = output.clips if isinstance(output, ClipsOutput) else ()
    source = video.file("source")
    newest = next((job for job in video.jobs if any(stage.name is StageName.CLIPS for stage in job.stages)), None)
    _clips(
        data={
            "video_id": str(video.video.id),
            "may_act": video.may_act and StageName.TRANSCRIBE in video.outputs,
            "clips": [_card(clip, video, shots) for clip in made],
            "source": file_address(source.id) if source else None,
            "transcript": f"/api/videos/{video.video.id}/transcript.json",
            "limits": {
                "shortest": cuts.SHORTEST,
                "longest": cuts.LONGEST,
                "lead_in": cuts.LEAD_IN,
                "lead_out": cuts.LEAD_OUT,
                "longest_title": cuts.LONGEST_TITLE,
                "most": cuts.MOST_CLIPS,
                "duration": probed.duration if isinstance(probed, ProbeOutput) else 0.0,
                "scene_cuts": list(thumbnails.scene_cuts) if isinstance(thumbnails, ThumbnailsOutput) else [],
            },
            "cost": _cost(limits, timezone),
            "known": f"{newest.id}:{newest.state}" if newest else None,
            "rendering": _rendering(newest, timezone),
            "failed": _failed(newest),
        },
        on_changed_change=changed,
        key="clips",
    )


def _card(clip: Clip, video: VideoDetail, shots: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A clip with the file of each shape, behind the picture that stands for it or the nearest of the video."""
    nearest = min(shots, key=lambda shot: abs(shot["at"] - clip.start))["source"] if shots else None
    files = {}
    for shape in SHAPES:
        if (film := video.file(f"clip_{shape}", clip.position)) is not None:
            poster = video.file(f"clip_{shape}_poster", clip.position)
            files[shape] = {"source": file_address(film.id), "poster": file_address(poster.id) if poster else nearest}
    return {
        **clip.model_dump(mode="json", exclude={"made_by"}),
        "files": files or None,
        "hidden": video.edits.get(f"clip:{clip.position}") == HIDDEN,
    }


def _cost(limits: LimitsView | None, timezone: tzinfo) -> str:
    """What rendering uses up, said before it does."""
    if limits is None:
        return "This uses one AI job."
    if limits.jobs.left == 0 and limits.jobs.free_at is not None:
        free_at = moment(limits.jobs.free_at, timezone=timezone)
        return f"This uses one AI job: none is left this hour, so it starts {free_at}."
    return f"This uses one of the {limits.jobs.left} AI jobs that you have left this hour."


def _asked(job: JobView) -> list[dict[str, Any]]:
    try:
        return [cut.model_dump(mode="json") for cut in cuts.cuts_of(job.options)]
    except BadInput:
        return []


def _rendering(job: JobView | None, timezone: tzinfo) -> dict[str, Any] | None:
    """The job that makes clips now; its cuts are empty where it makes all of them."""
    if job is None or job.state not in UNFINISHED:
        return None
    waits = job.state is JobState.QUEUED and job.starts_at > datetime.now(UTC)
    message = f"{job.message} It starts {moment(job.starts_at, timezone=timezone)}." if waits else job.message
    return {"job_id": str(job.id), "percent": job.percent, "message": message, "cuts": _asked(job)}


def _failed(job: JobView | None) -> dict[str, Any] | None:
    """A new cut that was not made."""
    if job is None or job.state not in {JobState.FAILED, JobState.CANCELLED} or not (asked := _asked(job)):
        return None
    return {"job_id": str(job.id), "message": job.message, "cuts": asked}
