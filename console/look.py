"""How things are named and coloured on every page: one word and one colour for each state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from services.model import JobKind, Role, StageName, VideoState


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
KIND_NAMES: Mapping[JobKind, str] = MappingProxyType(  # by what is made
    {
        JobKind.PIPELINE: "Everything",
        JobKind.TRANSCRIBE: "Transcript",
        JobKind.ANALYZE: "Analysis",
        JobKind.THUMBNAILS: "Thumbnails",
        JobKind.CLIPS: "Clips",
        JobKind.POSTS: "Posts",
    }
)
ROLE_NAMES: Mapping[Role, str] = MappingProxyType(
    {
        Role.CREATOR: "Creator",
        Role.ANALYST: "Analyst",
        Role.OPERATOR: "Operator",
        Role.ADMIN: "Admin",
    }
)
ROLE_MEANINGS: Mapping[Role, str] = MappingProxyType(
    {
        Role.CREATOR: "uploads videos, and sees only their own",
        Role.ANALYST: "sees everything, and changes nothing",
        Role.OPERATOR: "uploads, sees everything, and acts on everybody's jobs",
        Role.ADMIN: "does everything, and manages users and their limits",
    }
)


def duration(seconds: float | None) -> str | None:
    """Seconds as a clock, as players show it: 3:07 or 1:02:33."""
    if seconds is None:
        return None
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int) -> str:
    """Bytes in a unit that reads well, as bytes() in base.js writes them."""
    if count == 1:
        return "1 byte"
    amount, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB"):
        if round(amount) < 1024:
            break
        amount, unit = amount / 1024, larger
    whole = unit == "bytes" or amount >= 99.95 or amount % 1 == 0
    return f"{amount:,.0f} {unit}" if whole else f"{amount:.1f} {unit}"


def viewer_timezone() -> tzinfo:
    """The zone that the browser names; UTC until it does."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):  # what a browser says may name anything, a folder too
        return UTC


def moment(at: datetime, *, timezone: tzinfo) -> str:
    """A time in the viewer's zone: 09:41 today, else with its date."""
    local, now = at.astimezone(timezone), datetime.now(timezone)
    if local.date() == now.date():
        return f"today {local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == now.year else f"{local.day} {local:%b %Y}"


def file_address(file_id: UUID) -> str:
    return f"/api/files/{file_id}"


def at_least(counts: Iterable[int], *, most: int) -> str:
    """The sum of counts of which each is exact up to `most`, such as 312 or 1,000+."""
    known = list(counts)
    return f"{sum(min(count, most) for count in known):,}{'+' if max(known, default=0) > most else ''}"
