"""The videos of the library: pictures or a table, what matched in them, and what is done to many."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import UUID

from console import navigation
from console.components import component, nothing, trigger
from console.look import VIDEO_CHIPS, duration, file_address, moment, size
from services.bulk import Order, Outcome, Plan, Verb
from services.library import MOST_ROWS, Matches, Page
from services.model import JobKind
from services.videos import VideoRow

KEY = "video_list"
_video_list = component("video_list", "live", "address", "cards", "bulk")


class Ask(enum.StrEnum):
    """What somebody can ask for in the list."""

    SAMPLE = "sample"
    CHANGED = "changed"  # something else is true now than what is drawn


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How the list is drawn. amount: how many videos there are; newest: a new video would come first in it."""

    asked: str
    amount: str
    step: int
    narrowed: bool
    newest: bool
    show_owner: bool
    may_act: bool
    may_upload: bool
    timezone: tzinfo


@dataclass(frozen=True, kw_only=True)
class Answer:
    """To what was asked to be done to many videos; stamp is that of the question, problem why it was refused."""

    stamp: str
    plan: Plan | None = None
    outcome: Outcome | None = None
    problem: str | None = None


def video_list(
    page: Page,
    listing: Listing,
    answer: Answer | None,
    *,
    on_asked: Callable[[], None],
    on_considered: Callable[[], None],
    on_confirmed: Callable[[], None],
) -> Ask | None:
    """The callbacks are called when the trigger of KEY of that name holds another address, or an order.

    What else was asked for, once.
    """
    result = _video_list(
        data=_data(page, listing, answer),
        key=KEY,
        on_asked_change=on_asked,
        on_considered_change=on_considered,
        on_confirmed_change=on_confirmed,
        on_sample_change=nothing,
        on_changed_change=nothing,
    )
    return next((ask for ask in Ask if trigger(getattr(result, ask)) is not None), None)


def read_order(text: str) -> tuple[str, Order] | None:
    """The stamp and the order that a browser sent; None where it is none."""
    try:
        sent = json.loads(text)
        kind = sent["kind"]
        order = Order(
            verb=Verb(sent["verb"]),
            video_ids=tuple(UUID(video_id) for video_id in sent["ids"]),
            kind=None if kind is None else JobKind(kind),
        )
        return str(sent["stamp"]), order
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _data(page: Page, listing: Listing, answer: Answer | None) -> dict[str, Any]:
    full = len(page.rows) >= MOST_ROWS
    return {
        "rows": [
            _row(row, page.matches.get(row.id), page.title_marks.get(row.id, ()), timezone=listing.timezone)
            for row in page.rows
        ],
        "asked": listing.asked,
        "amount": listing.amount,
        "step": listing.step,
        "most": MOST_ROWS,
        "any": listing.narrowed,
        "newest": (page.rows[0].created_at.timestamp() if page.rows else 0) if listing.newest else None,
        "more": page.next is not None and not full,
        "next": page.next.as_text() if page.next is not None and full else None,
        "previous": page.previous.as_text() if page.previous is not None else None,
        "show_owner": listing.show_owner,
        "may_select": listing.may_act,
        "may_upload": listing.may_upload,
        "upload_address": f"/{navigation.UPLOAD.address}",
        "plan": _plan(answer),
        "outcome": _outcome(answer),
        "refused": {"stamp": answer.stamp, "problem": answer.problem} if answer and answer.problem else None,
    }


def _row(
    row: VideoRow, matches: Matches | None, marks: tuple[tuple[int, int], ...], *, timezone: tzinfo
) -> dict[str, Any]:
    chip = VIDEO_CHIPS[row.state]
    return {
        "id": str(row.id),
        "title": row.title,
        "marks": marks,
        "file": size(row.size) if row.file_name == row.title else f"{row.file_name} · {size(row.size)}",
        "state": row.state,
        "chip": chip.label,
        "colour": chip.colour,
        "owner": row.owner,
        "duration": duration(row.duration),
        "when": moment(row.created_at, timezone=timezone),
        "poster": file_address(row.thumbnail_id) if row.thumbnail_id else None,
        "pictures": [file_address(picture) for picture in row.pictures],
        "tags": row.tags,
        "matches": matches
        and {
            "lines": [{"at": line.start, "text": line.text, "marks": line.marks} for line in matches.lines],
            "more": matches.more,
        },
    }


def _plan(answer: Answer | None) -> dict[str, Any] | None:
    if answer is None or answer.plan is None:
        return None
    return {
        "stamp": answer.stamp,
        "count": len(answer.plan.video_ids),
        "skipped": _counted(answer.plan.skipped),
    }


def _outcome(answer: Answer | None) -> dict[str, Any] | None:
    if answer is None or answer.outcome is None:
        return None
    return {"stamp": answer.stamp, "done": answer.outcome.done, "skipped": _counted(answer.outcome.left_out)}


def _counted(reasons: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0]))
