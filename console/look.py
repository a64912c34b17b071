"""How things are named and coloured on every page: one word and one colour for each state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from services.model import JobState, StageName, StageState, VideoState
from services.outputs import AnalysisOutput, ClipsOutput, PostsOutput, ProbeOutput, ThumbnailsOutput
from services.videos import FileRow, JobView, StageRow, VideoDetail, VideoRow


class Chip(NamedTuple):
    """A state as people see it; colour is one of Streamlit's palette."""

    label: str
    colour: str


VIDEO_CHIPS: Mapping[VideoState, Chip] = MappingProxyType(
    {
        VideoState.UPLOADED: Chip("Uploaded", "gray"),
        VideoState.PROCESSING: Chip("Processing", "blue"),
        VideoState.ANALYZED: Chip("Analyzed", "violet"),
        VideoState.REPURPOSED: Chip("Repurposed", "green"),
        VideoState.FAILED: Chip("Failed", "red"),
        VideoState.CANCELLED: Chip("Cancelled", "orange"),
    }
)
STAGE_NAMES: Mapping[StageName, str] = MappingProxyType(
    {
        StageName.PROBE: "Check the file",
        StageName.TRANSCRIBE: "Transcribe",
        StageName.THUMBNAILS: "Thumbnails",
        StageName.ANALYZE: "Analyze",
        StageName.CLIPS: "Clips",
        StageName.POSTS: "Posts",
    }
)
NETWORKS: Mapping[str, str] = MappingProxyType(
    {
        "linkedin": "LinkedIn",
        "x_thread": "X thread",
        "newsletter": "Newsletter",
        "blog_outline": "Blog outline",
        "show_notes": "Show notes",
    }
)
UNFINISHED = frozenset({JobState.QUEUED, JobState.RUNNING})
ROLE_OF_FORMAT = (("9:16", "clip_portrait"), ("16:9", "clip_landscape"))


def duration(seconds: float | None) -> str | None:
    """Seconds as a clock, as players show it: 3:07 or 1:02:33."""
    if seconds is None:
        return None
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int) -> str:
    """Bytes in a unit that reads well."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.1f} {unit}" if unit != "bytes" and amount < 100 and amount % 1 else f"{amount:.0f} {unit}"


def viewer_timezone() -> tzinfo:
    """The zone that the browser names; UTC until it does."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def moment(at: datetime, *, timezone: tzinfo) -> str:
    """A time in the viewer's zone: 09:41 today, else with its date."""
    local, now = at.astimezone(timezone), datetime.now(timezone)
    if local.date() == now.date():
        return f"today {local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == now.year else f"{local.day} {local:%b %Y}"


def file_address(file_id: UUID) -> str:
    return f"/api/files/{file_id}"


def video_row(row: VideoRow, *, timezone: tzinfo) -> dict[str, Any]:
    """One line of the list of videos."""
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


def steps(job: JobView, *, timezone: tzinfo) -> dict[str, Any]:
    """The stages of a job, and how far it is."""
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


def has_picture(video: VideoDetail, source: FileRow) -> bool:
    """Whether there is something to see: what was found in the file, before that what its name says."""
    probed = video.outputs.get(StageName.PROBE)
    return probed.has_picture if isinstance(probed, ProbeOutput) else not source.media_type.startswith("audio/")


def analysis(output: AnalysisOutput) -> dict[str, Any]:
    return {
        **output.model_dump(mode="json", include={"summary", "chapters", "keywords", "quotes", "sentiment"}),
        "method": f"Method: {output.method} ({output.engine}).",
    }


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


def clips(output: ClipsOutput, video: VideoDetail, shots: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
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


def posts(output: PostsOutput) -> dict[str, Any]:
    """The posts, then titles and hashtags to copy like them."""
    extra: Sequence[tuple[str, str, tuple[str, ...]]] = (
        ("titles", "Titles", output.titles),
        ("hashtags", "Hashtags", (" ".join(output.hashtags),) if output.hashtags else ()),
    )
    return {
        "method": f"Method: {output.method} ({output.engine}).",
        "posts": [
            {
                "network": post.network,
                "name": NETWORKS.get(post.network, post.network),
                "parts": list(post.parts),
                "character_limit": post.character_limit,
            }
            for post in output.posts
        ]
        + [
            {"network": network, "name": name, "parts": list(parts), "character_limit": None}
            for network, name, parts in extra
            if parts
        ],
    }
