"""The library as a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from console.components import component, nothing, trigger
from console.look import VIDEO_CHIPS, duration, moment, size
from services.videos import VideoRow

_video_list = component("video_list")


def video_list(rows: Sequence[VideoRow], *, show_owner: bool, timezone: tzinfo) -> str | None:
    """The videos as a list. The id of a video to open, once."""
    result = _video_list(
        data={"rows": [_line(row, timezone=timezone) for row in rows], "show_owner": show_owner},
        key="video_list",
        on_opened_change=nothing,
    )
    return trigger(result.opened)


def _line(row: VideoRow, *, timezone: tzinfo) -> dict[str, Any]:
    chip = VIDEO_CHIPS[row.state]
    return {
        "id": str(row.id),
        "title": row.title,
        "file_name": row.file_name,
        "size": size(row.size),
        "state": chip.label,
        "colour": chip.colour,
        "owner": row.owner,
        "duration": duration(row.duration),
        "when": moment(row.created_at, timezone=timezone),
    }
