"""The thumbnails of a video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.components import Data, component
from console.look import file_address
from services.outputs import ThumbnailsOutput
from services.videos import VideoDetail

_gallery = component("gallery")


def gallery(shots: Sequence[Data]) -> None:
    """Thumbnails, as `pictures` finds them."""
    _gallery(data={"pictures": list(shots)}, key="gallery")


def pictures(output: ThumbnailsOutput, video: VideoDetail) -> list[dict[str, Any]]:
    """The thumbnails that have a file, the picked one first."""
    return [
        {
            "source": file_address(file.id),
            "at": thumbnail.at,
            "picked": thumbnail.picked,
            "reason": thumbnail.reason,
        }
        for thumbnail in sorted(output.thumbnails, key=lambda one: (not one.picked, one.at))
        if (file := video.file("thumbnail", thumbnail.position)) is not None
    ]
