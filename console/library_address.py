"""What the address of Videos asks for. Whatever stands in it means something: nothing that a person changes raises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from services.library import MOST_ROWS, Length, Place, Query, Sort
from services.model import VideoState

PAGE_ROWS = 60  # drawn at first, and at each "Show more"
NAMES = ("q", "state", "owner", "tag", "length", "from", "to", "sort", "view", "show", "at")
LONGEST_VALUE = 500  # characters

Word = TypeVar("Word", VideoState, Sort, Length)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """query is what to find; narrowed, whether it leaves any videos out; text, the address in one writing."""

    query: Query
    narrowed: bool
    text: str


def known(asked: str) -> dict[str, str]:
    """The names and values of an address that Videos knows."""
    return {name: value[:LONGEST_VALUE] for name, value in parse_qsl(asked) if name in NAMES}


def of_states(states: Iterable[VideoState]) -> str:
    """The query of an address that asks for the videos of these states."""
    return urlencode({"state": ",".join(states)}, safe=",")


def read(params: Mapping[str, str], *, timezone: tzinfo) -> Asked:
    """The query of an address; days are those of the viewer's zone."""
    values = {name: str(params.get(name, ""))[:LONGEST_VALUE] for name in NAMES}
    sort = _word(Sort, values["sort"]) or Sort.NEWEST
    until = _day(values["to"])
    query = Query(
        text=values["q"],
        states=tuple(
            dict.fromkeys(
                state for word in values["state"].split(",") if (state := _word(VideoState, word)) is not None
            )
        ),
        owner=values["owner"].strip().lower() or None,
        tags=(values["tag"].strip(),) if values["tag"].strip() else (),
        length=_word(Length, values["length"]),
        uploaded_from=_midnight(_day(values["from"]), timezone),
        uploaded_to=_midnight(until + timedelta(days=1) if until else None, timezone),
        sort=sort,
        place=Place.read(values["at"], sort) if values["at"] else None,
        limit=min(MOST_ROWS, max(PAGE_ROWS, _number(values["show"]))),
    )
    narrowed = query != Query(sort=sort, place=query.place, limit=query.limit)
    return Asked(
        query=query, narrowed=narrowed, text=urlencode([(name, params[name]) for name in NAMES if name in params])
    )


def _word(kind: type[Word], text: str) -> Word | None:
    return kind(text) if text in _values(kind) else None


def _values(kind: Iterable[Word]) -> set[str]:
    return {word.value for word in kind}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2200 else None


def _midnight(day: date | None, timezone: tzinfo) -> datetime | None:
    return datetime.combine(day, time.min, tzinfo=timezone) if day else None
