"""Plays a video from its address, with a bar of its own; other components move it to a time."""

from __future__ import annotations

from collections.abc import Sequence

from console.components import Data, component
from console.components.transcript import transcript_address
from console.look import file_address
from services.model import StageName
from services.outputs import AnalysisOutput, ProbeOutput
from services.videos import FileRow, VideoDetail

_player = component("player", "copying")


def player(video: VideoDetail, source: FileRow, shots: Sequence[Data]) -> None:
    """Plays the source, on and on while the page around it is drawn again.

    The chapters are marked on the bar; shots, the pictures of `gallery`, are shown over it.
    """
    understood = video.outputs.get(StageName.ANALYZE)
    chapters = understood.chapters if isinstance(understood, AnalysisOutput) else ()
    _player(
        data={
            "video": str(video.video.id),
            "title": video.video.title,
            "source": file_address(source.id),
            "captions": transcript_address(video, "vtt") if StageName.TRANSCRIBE in video.outputs else None,
            "language": video.language or "",
            "poster": shots[0]["source"] if shots else None,
            "duration": video.video.duration,
            "sound_only": not _has_picture(video, source),
            "chapters": [chapter.model_dump(mode="json") for chapter in chapters],
            "pictures": [{"at": shot["at"], "source": shot["source"]} for shot in shots],
        },
        key="player",
    )


def _has_picture(video: VideoDetail, source: FileRow) -> bool:
    """Whether there is something to see: what was found in the file, before that what its name says."""
    probed = video.outputs.get(StageName.PROBE)
    return probed.has_picture if isinstance(probed, ProbeOutput) else not source.media_type.startswith("audio/")
