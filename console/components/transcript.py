"""A transcript that follows the player, moves it, and can be searched and corrected."""

from __future__ import annotations

from console.components import component
from services.model import StageName, StageState
from services.videos import VideoDetail

_transcript = component("transcript", "spoken", "saving", "finding", "correcting")


def transcript(video: VideoDetail) -> None:
    """A transcript, read by the browser from its JSON address: whoever may act corrects it without a rerun."""
    _transcript(
        data={
            "video": str(video.video.id),
            "source": transcript_address(video, "json"),
            "may_act": video.may_act,
        },
        key="transcript",
    )


def transcript_address(video: VideoDetail, form: str) -> str:
    """Where the transcript is: another address once another stands, so that it is read again."""
    stages = (stage for job in video.jobs for stage in job.stages if stage.name is StageName.TRANSCRIBE)
    newest = max((stage.id for stage in stages if stage.state is StageState.SUCCEEDED), default=0)
    return f"/api/videos/{video.video.id}/transcript.{form}?of={newest}"
