"""Home: what runs, what needs somebody, what has just finished, and what is left of the limits."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from console import library_address, navigation
from console.components import component, nothing, trigger
from console.components.meter import ENGINES
from console.look import duration, file_address, moment, size
from console.outcomes import counted, made
from services.home import COUNTED, FAILURES_COUNTED, RUNNING_SHOWN, Card, HomeView
from services.model import VideoState
from services.videos import JobView

FAILED_SHOWN = 3
FINISHED_SHOWN = 8

_home = component("home", *ENGINES)


class Ask(enum.StrEnum):
    """What somebody can ask for on Home."""

    OPEN = "opened"  # a video, by its id
    GO = "gone"  # a page, by its address, which may hold a query
    RETRY = "retried"  # a job, by its id
    SAMPLE = "sample"
    CHANGED = "changed"  # something else is true now than what is drawn


@dataclass(frozen=True, kw_only=True)
class Asked:
    what: Ask
    value: str


def home(
    view: HomeView,
    limits: Mapping[str, Any] | None,
    *,
    may_act: Callable[[int], bool],
    timezone: tzinfo,
) -> Asked | None:
    """All of Home; what was asked for, once.

    limits is what the limits engine takes in, None for who uploads nothing; may_act says it of videos of that owner.
    """
    result = _home(
        data=_data(view, limits, may_act=may_act, timezone=timezone),
        key="home",
        on_opened_change=nothing,
        on_gone_change=nothing,
        on_retried_change=nothing,
        on_sample_change=nothing,
        on_changed_change=nothing,
    )
    for ask in Ask:
        if (value := trigger(getattr(result, ask))) is not None:
            return Asked(what=ask, value=value)
    return None


def _data(
    view: HomeView, limits: Mapping[str, Any] | None, *, may_act: Callable[[int], bool], timezone: tzinfo
) -> dict[str, Any]:
    rows = view.rows
    listed = (*rows.under_way, *rows.failed, *rows.finished)
    running = rows.under_way[:RUNNING_SHOWN]
    return {
        "everybody": view.everybody,
        "uploads_allowed": limits is not None,
        "empty": rows.empty and not rows.uploads,
        "upload_address": f"/{navigation.UPLOAD.address}",
        "videos_address": f"/{navigation.VIDEOS.address}",
        "running": [_card(view, card, timezone=timezone) | _progress(view.progress[card.job_id]) for card in running],
        "running_more": _all(
            rows.under_way_count, len(running), VideoState.UPLOADED, VideoState.PROCESSING, most=COUNTED
        ),
        "waiting": _waiting(rows.waiting, rows.waits_until, timezone=timezone),
        "failed": [
            _card(view, card, timezone=timezone) | {"may_retry": may_act(card.user_id)}
            for card in rows.failed[:FAILED_SHOWN]
        ],
        "failed_more": _all(rows.failed_count, FAILED_SHOWN, VideoState.FAILED, most=FAILURES_COUNTED),
        "uploads": [
            {
                "name": upload.file_name,
                "size": upload.size,
                "percent": upload.offset * 100 // upload.size,
                "amount": f"{size(upload.offset)} of {size(upload.size)}",
                "when": moment(upload.touched_at, timezone=timezone),
            }
            for upload in (rows.uploads if limits is not None else ())
        ],
        "finished": [
            _card(view, card, timezone=timezone)
            | {
                "made": made(card.kind, clips=card.clips, posts=card.posts),
                "is_new": card.video_id in rows.unread,
            }
            for card in rows.finished[:FINISHED_SHOWN]
        ],
        "limits": limits,
        # By job, so that the page can tell when something has become true that is not drawn.
        "states": {str(card.job_id): card.state for card in reversed(listed)},
        "cut": rows.under_way_count > len(rows.under_way),
    }


def _card(view: HomeView, card: Card, *, timezone: tzinfo) -> dict[str, Any]:
    return {
        "id": str(card.video_id),
        "job_id": str(card.job_id),
        "title": card.title,
        "owner": card.owner if view.everybody else "",
        "picture": None if card.picture is None else file_address(card.picture),
        "duration": duration(card.duration) or "",
        "when": moment(card.at, timezone=timezone),
        "reason": card.reason or "",
    }


def _progress(job: JobView) -> dict[str, Any]:
    """How a job stands, in the shape of what comes live."""
    return {
        "job_state": job.state,
        "percent": job.percent,
        "message": job.message,
        "eta": None,
        "starts_at": job.starts_at.timestamp(),
        "stages": [{"state": stage.state} for stage in job.stages],
    }


def _all(count: int, shown: int, *states: VideoState, most: int) -> dict[str, str] | None:
    """How many there are, where more are than shown, and where the videos of these states are listed."""
    if count <= shown:
        return None
    return {
        "count": f"{count:,}+" if count >= most else f"{count:,}",
        "address": f"/{navigation.VIDEOS.address}?{library_address.of_states(states)}",
    }


def _waiting(count: int, until: datetime | None, *, timezone: tzinfo) -> dict[str, str] | None:
    if not count or until is None:
        return None
    starts = moment(until, timezone=timezone)
    return {
        "title": f"{counted(count, 'job')} {'waits' if count == 1 else 'wait'} for the hourly limit",
        "text": f"Nothing is lost: {'it starts' if count == 1 else 'the next starts'} {starts}.",
    }
