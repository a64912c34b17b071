"""Clips to play, each with its explained score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.components import component
from console.look import file_address
from services.outputs import ClipsOutput
from services.videos import VideoDetail

_clips = component("clips")

ROLE_OF_FORMAT = (("9:16", "clip_portrait"), ("16:9", "clip_landscape"))


def clips(output: ClipsOutput, video: VideoDetail, shots: Sequence[Mapping[str, Any]]) -> None:
    """Clips to play, each with its explained score; shots are the pictures of `gallery`."""
    _clips(data={"clips": _cards(output, video, shots)}, key="clips")


def _cards(output: ClipsOutput, video: VideoDetail, shots: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The clips with the files of each format, each behind that of the pictures that is nearest to its start."""
    return [
        {
            **clip.model_dump(mode="json", exclude={"position"}),
            "poster": min(shots, key=lambda shot: abs(shot["at"] - clip.start))["source"] if shots else None,
            "formats": [
                {"name": name, "source": file_address(file.id)}
                for name, role in ROLE_OF_FORMAT
                if (file := video.file(role, clip.position)) is not None
            ],
        }
        for clip in output.clips
    ]
