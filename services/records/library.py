"""The library: a page of it, what in a transcript matched, and how videos stand for what is done to many."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.model import JobState, VideoState
from services.records import jobs
from services.records.jobs import JobRow
from services.records.videos import COLUMNS, PROBED, VideoRow, video_row
from services.search import Terms

MOST_COUNTED = 1000  # videos of a state: beyond it a count says only that there are more
STOPPED = frozenset({JobState.FAILED, JobState.CANCELLED})
LINES_SHOWN = 3  # matching lines of a video


class Sorting(NamedTuple):
    """How a page is sorted: by what, of which type, and whether downwards. An index has each of them, with the id."""

    key: str
    type: str
    down: bool


NEWEST = Sorting("v.created_at", "timestamptz", True)
OLDEST = Sorting("v.created_at", "timestamptz", False)
BY_TITLE = Sorting("lower(v.title)", "text", False)
LONGEST = Sorting("coalesce(v.duration, -1)", "float8", True)
LAST_CHANGED = Sorting("v.changed_at", "timestamptz", True)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What videos to find. user_id: only those of this user; lengths are in seconds, each end may be open."""

    terms: Terms
    user_id: int | None = None
    states: tuple[VideoState, ...] = ()
    owner: str | None = None
    tags: tuple[str, ...] = ()
    shortest: float | None = None
    longest: float | None = None
    uploaded_from: datetime | None = None
    uploaded_to: datetime | None = None


class Edge(NamedTuple):
    """Where a page ends: what it is sorted by, as text, and the id."""

    key: str
    id: UUID


@dataclass(frozen=True, kw_only=True)
class Found:
    """edges are the places of the rows; counts stop a little above MOST_COUNTED where no text is looked for."""

    rows: tuple[VideoRow, ...]
    edges: tuple[Edge, ...]
    counts: Mapping[VideoState, int]


@dataclass(frozen=True, kw_only=True)
class LineRow:
    """A spoken line that matched; total: how many lines of its video did; stems: of the words that were looked for."""

    video_id: UUID
    start: float
    text: str
    total: int
    stems: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """unfinished: its jobs that are under way; stopped: its newest job, if that failed or was cancelled.

    has_sound and has_picture are None until the file was probed.
    """

    video_id: UUID
    user_id: int
    unfinished: tuple[UUID, ...]
    stopped: JobRow | None
    has_sound: bool | None
    has_picture: bool | None


def page(
    connection: Connection, filters: Filters, order: Sorting, *, after: Edge | None, before: Edge | None, limit: int
) -> Found:
    """Videos in an order, after or before a place in it, and how many there are of each state: one statement."""
    values: dict[str, object] = {"limit": limit, "states": list(filters.states)}
    conditions = _conditions(filters, values)
    place, down = "true", order.down
    if edge := after or before:
        down = order.down if after else not order.down
        place = f"(sort_key, id) {'<' if down else '>'} (cast(:edge_key as {order.type}), cast(:edge_id as uuid))"
        values |= {"edge_key": edge.key, "edge_id": edge.id}
    direction = "desc" if down else "asc"
    chosen = "true"
    if filters.states:  # of a single state the index gives the order too
        chosen = "state = any (:states)" if len(filters.states) > 1 else f"state = '{filters.states[0]}'"
    if filters.terms:
        source = "found"
        first = (
            f"found as materialized (select v.id, v.state, {order.key} as sort_key from videos v"
            f"{_matching(filters.terms, values)} where {conditions}{_without(filters.terms, values)}), "
            "counts as (select coalesce(jsonb_object_agg(state, n), '{}') as counts"
            " from (select state, count(*) as n from found group by state) each_state)"
        )
    else:
        source = f"(select v.id, v.state, {order.key} as sort_key from videos v where {conditions}) as listed"
        each = ", ".join(
            f"'{state}', (select count(*) from (select from videos v where v.state = '{state}' and {conditions}"
            f" limit {MOST_COUNTED + 1}) counted)"
            for state in VideoState
        )
        first = f"counts as (select jsonb_build_object({each}) as counts)"
    rows = connection.execute(
        text(
            f"with {first}, page as (select id, sort_key from {source} where {chosen} and {place}"
            f" order by sort_key {direction}, id {direction} limit :limit)"
            f" select counts.counts, page.sort_key::text as sort_key, shown.* from counts left join (page join lateral"
            f" (select {COLUMNS} from videos v join users u on u.id = v.user_id where v.id = page.id) shown on true)"
            f" on true order by page.sort_key {direction}, page.id {direction}"
        ),
        values,
    ).all()
    counts = {VideoState(state): count for state, count in rows[0].counts.items()}
    rows = [row for row in rows if row.id is not None]
    if before is not None:
        rows.reverse()
    return Found(
        rows=tuple(video_row(row) for row in rows),
        edges=tuple(Edge(key=row.sort_key, id=row.id) for row in rows),
        counts=counts,
    )


def limit_time(connection: Connection, seconds: float) -> None:
    """Let no statement of this transaction take longer."""
    connection.execute(
        text("select set_config('statement_timeout', :milliseconds, true)"),
        {"milliseconds": str(round(seconds * 1000))},
    )


def matching_lines(connection: Connection, terms: Terms, video_ids: Sequence[UUID]) -> tuple[LineRow, ...]:
    """The first lines of each video that hold all that is looked for, else those that hold some of it."""
    values: dict[str, object] = {"ids": list(video_ids), "stemmed": list(terms.words)}
    every = _query(terms, values, " && ")
    some = _query(terms, values, " || ")
    rows = connection.execute(
        text(
            # Video by video, since all lines that hold a common word are many more than those of these videos.
            f"with hit as (select l.*, l.search @@ ({every}) as whole from unnest(cast(:ids as uuid[])) asked (id)"
            f"  cross join lateral (select l.video_id, l.position, l.start, l.text, l.search from spoken_lines l"
            f"   where l.video_id = asked.id and l.search @@ ({some})) l),"
            " best as (select *, bool_or(whole) over (partition by video_id) as some_whole from hit),"
            " numbered as (select *, row_number() over (partition by video_id order by position) as number,"
            "  count(*) over (partition by video_id) as total from best where whole or not some_whole)"
            " select video_id, start, text, total, (select coalesce(jsonb_object_agg(word,"
            "  (ts_lexize('english_stem', word))[1]), '{}') from unnest(cast(:stemmed as text[])) word) as stems"
            " from numbered where number <= :shown order by video_id, position"
        ),
        {**values, "shown": LINES_SHOWN},
    )
    return tuple(LineRow(**row._mapping) for row in rows)


def follow_edit(connection: Connection, video_id: UUID, target: str, value: object | None) -> None:
    """Let what is found and shown of a video follow an edit that was just saved; None took it back."""
    connection.execute(
        text("select follow_edit(:video_id, :target, cast(:value as jsonb))"),
        {"video_id": video_id, "target": target, "value": None if value is None else json.dumps(value)},
    )


def standings(connection: Connection, video_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """How those of the videos stand that there are."""
    rows = connection.execute(
        text(
            "select v.id as video_id, v.user_id, has_sound, has_picture,"
            " array(select j.id from jobs j where j.video_id = v.id and j.state in ('queued', 'running')) as unfinished"
            f" from videos v{PROBED} where v.id = any (:ids)"
        ),
        {"ids": list(video_ids)},
    ).all()
    newest = jobs.newest(connection, video_ids)
    return {
        row.video_id: Standing(
            video_id=row.video_id,
            user_id=row.user_id,
            unfinished=tuple(row.unfinished),
            stopped=job if (job := newest.get(row.video_id)) and job.state in STOPPED else None,
            has_sound=row.has_sound,
            has_picture=row.has_picture,
        )
        for row in rows
    }


def _conditions(filters: Filters, values: dict[str, object]) -> str:
    """All but the state, which the counts ask for one by one."""
    asked: list[tuple[str, str, object]] = [
        ("v.user_id = :user_id", "user_id", filters.user_id),
        ("v.user_id = (select id from users where name = :owner)", "owner", filters.owner),
        ("v.tags @> cast(:tags as text[])", "tags", list(filters.tags) or None),
        ("v.duration >= :shortest", "shortest", filters.shortest),
        ("v.duration < :longest", "longest", filters.longest),
        ("v.created_at >= :uploaded_from", "uploaded_from", filters.uploaded_from),
        ("v.created_at < :uploaded_to", "uploaded_to", filters.uploaded_to),
    ]
    conditions = ["true"]
    for condition, name, value in asked:
        if value is not None:
            conditions.append(condition)
            values[name] = value
    return " and ".join(conditions)


def _matching(terms: Terms, values: dict[str, object]) -> str:
    """Joins that leave the videos whose names and spoken words hold all words; phrases stand in one line, or in a name.

    As joins: for a list of ids the planner would look up a hundred thousand videos one by one.
    """
    joins = ""
    if terms.positive:
        values["part"] = None
        if terms.part is not None:
            escaped = terms.part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            values["part"] = f"%{escaped}%"
        words = _query(_apart(terms), values, " && ")
        joins += f" join videos_with_words({words}, :part) worded (id) on worded.id = v.id"
    for number, phrase in enumerate(terms.phrases):
        values |= {f"phrase{number}": _phrase(phrase), f"named{number}": " ".join(phrase)}
        joins += (
            f" join videos_with_phrase(to_tsquery('simple', :phrase{number}),"
            f" plainto_tsquery('simple', :named{number}), phraseto_tsquery('simple', :named{number}))"
            f" said{number} (id) on said{number}.id = v.id"
        )
    return joins


def _without(terms: Terms, values: dict[str, object]) -> str:
    """Conditions that leave out the videos with these words."""
    conditions = ""
    for number, word in enumerate(terms.without):
        values[f"without{number}"] = word
        words = f"videos_with_words(word_query(:without{number}, true), null)"
        conditions += f" and v.id not in (select unwanted from {words} unwanted)"
    return conditions


def _apart(terms: Terms) -> Terms:
    """The words of the phrases as words: what a whole transcript can be asked for."""
    return Terms(words=tuple(dict.fromkeys([*terms.words, *(word for phrase in terms.phrases for word in phrase)])))


def _query(terms: Terms, values: dict[str, object], together: str) -> str:
    """SQL for the text query of these terms. Words that English uses everywhere count only where there is no other."""
    kinds: list[list[str]] = [[], []]
    for number, word in enumerate(terms.words):
        values[f"word{number}"] = word
        for always in (False, True):
            kinds[always].append(f"word_query(:word{number}, {str(always).lower()})")
    for number, phrase in enumerate(terms.phrases):
        values[f"phrase{number}"] = _phrase(phrase)
        for parts in kinds:
            parts.append(f"to_tsquery('simple', :phrase{number})")
    telling, all_words = (together.join(parts) for parts in kinds)
    return f"case when numnode({telling}) > 0 then {telling} else {all_words} end"


def _phrase(words: Sequence[str]) -> str:
    """A text query for words one after the other, as spoken; words hold no quotes."""
    return " <-> ".join(f"'{word}':A" for word in words)
