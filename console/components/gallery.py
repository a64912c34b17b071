"""The thumbnails of a video, and which of them stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.components import Data, component
from console.look import file_address
from services.outputs import ThumbnailsOutput
from services.videos import VideoDetail

_gallery = component("gallery", "saving")


def gallery(shots: Sequence[Data], video: VideoDetail) -> None:
    """Thumbnails, as `pictures` finds them, to look at, to choose from and to keep."""
    _gallery(
        data={
            "video_id": str(video.video.id),
            "may_act": video.may_act,
            "chosen": video.edits.get("thumbnail"),
            "pictures": [
                {name: shot[name] for name in ("position", "source", "at", "picked", "reason")}
                for shot in sorted(shots, key=lambda shot: (not shot["picked"], shot["at"]))
            ],
        },
        key="gallery",
    )


def pictures(output: ThumbnailsOutput, video: VideoDetail) -> list[dict[str, Any]]:
    """The thumbnails that have a file, first the one that stands for the video: what was chosen, or what was picked."""
    chosen = video.edits.get("thumbnail")
    return [
        {
            "position": thumbnail.position,
            "source": file_address(file.id),
            "at": thumbnail.at,
            "picked": thumbnail.picked,
            "reason": thumbnail.reason,
        }
        for thumbnail in sorted(output.thumbnails, key=lambda one: (one.position != chosen, not one.picked, one.at))
        if (file := video.file("thumbnail", thumbnail.position)) is not None
    ]
