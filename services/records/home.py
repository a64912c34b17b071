"""What Home shows, read in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from services.model import JobKind, JobState
from services.records.notifications import MADE
from services.records.uploads import KEPT_SECONDS, UNFINISHED, Unfinished

CARDS = 12  # read of each sort: several jobs may be on one video
COUNTED = 1000  # nobody counts further
FAILURES_COUNTED = 100
FAILURE_DAYS = 14  # what nobody tried again for longer needs nobody


@dataclass(frozen=True, kw_only=True)
class Card:
    """A job with its video; duration in seconds. reason says why it failed; clips and posts are what the video has."""

    job_id: UUID
    video_id: UUID
    user_id: int
    owner: str
    title: str
    kind: JobKind
    state: JobState
    at: datetime
    duration: float | None
    picture: UUID | None
    reason: str | None = None
    clips: int = 0
    posts: int = 0


@dataclass(frozen=True, kw_only=True)
class HomeRows:
    """Under way what runs comes first, then the oldest; failed and finished are newest first.

    Counts go up to COUNTED, that of failures to FAILURES_COUNTED. waiting are jobs set for later, the first of them at
    waits_until; unread are the videos with unread messages.
    """

    under_way: tuple[Card, ...]
    under_way_count: int
    waiting: int
    waits_until: datetime | None
    failed: tuple[Card, ...]
    failed_count: int
    finished: tuple[Card, ...]
    uploads: tuple[Unfinished, ...]
    unread: frozenset[UUID]
    empty: bool


_CARD = (
    "j.id as job_id, v.id as video_id, v.user_id, p.name as owner, v.title, j.kind, j.state,"
    " v.duration, v.thumbnail_id as picture"
)
# By person, since each of the two indexes begins with one: what one person's Home reads does not grow with the others'.
_HOME = f"""
with people as (
    select id, name from users where :everybody or id = :user_id
), under_way as materialized (
    select u.* from people p cross join lateral (
        (select id, state, created_at from jobs where user_id = p.id and state = 'running'
            order by created_at limit :cards)
        union all
        (select id, state, created_at from jobs where user_id = p.id and state = 'queued'
            and starts_at <= clock_timestamp() order by created_at limit :cards)
    ) u order by u.state desc, u.created_at limit :cards
), counted_now as materialized (
    select j.video_id from people p join jobs j on j.user_id = p.id
        and (j.state = 'running' or j.state = 'queued' and j.starts_at <= clock_timestamp())
    limit :counted
), later as materialized (
    select l.starts_at from people p cross join lateral (
        select starts_at from jobs where user_id = p.id and state = 'queued' and starts_at > clock_timestamp()
        order by starts_at limit :counted
    ) l order by l.starts_at limit :counted
), failed as materialized (
    select id, finished_at from (
        select f.* from people p cross join lateral (
            select id, video_id, finished_at from jobs where user_id = p.id and state = 'failed'
                and finished_at > now() - make_interval(days => :failure_days)
            order by finished_at desc limit :failures_counted
        ) f order by f.finished_at desc limit :failures_counted
    ) f
    -- A scalar subquery is always a look by key; `not exists` was planned as a scan of all jobs.
    where id = (select id from jobs j where j.video_id = f.video_id order by created_at desc, id limit 1)
), unread as (
    select n.video_id from notifications n join videos v on v.id = n.video_id
    where n.user_id = :user_id and n.read_at is null and (:everybody or v.user_id = :user_id)
    order by n.id desc limit :counted
)
select
    (select jsonb_agg(card) from (
        select {_CARD}, j.created_at as at
        from under_way u
        join jobs j on j.id = u.id join videos v on v.id = j.video_id join people p on p.id = j.user_id
        order by u.state desc, u.created_at
    ) card) as under_way,
    (select case when count(*) < :counted then count(distinct video_id) else :counted end from counted_now)
        as under_way_count,
    (select count(*) from later) as waiting,
    (select min(starts_at) from later) as waits_until,
    (select jsonb_agg(card) from (
        select {_CARD}, j.finished_at as at,
            (select s.reason from stages s where s.job_id = j.id and s.state = 'failed' order by s.id limit 1) as reason
        from (select * from failed order by finished_at desc limit :cards) f
        join jobs j on j.id = f.id join videos v on v.id = j.video_id join people p on p.id = j.user_id
        order by f.finished_at desc
    ) card) as failed,
    (select count(*) from failed) as failed_count,
    (select jsonb_agg(card) from (
        select {_CARD}, j.finished_at as at,
            {MADE.format(name="clips")} as clips, {MADE.format(name="posts")} as posts
        from (
            select l.id, l.finished_at from people p cross join lateral (
                select e.id, e.finished_at from jobs e
                where e.user_id = p.id and e.state = 'succeeded'
                order by e.finished_at desc limit :cards
            ) l order by l.finished_at desc limit :cards
        ) e
        join jobs j on j.id = e.id join videos v on v.id = j.video_id join people p on p.id = j.user_id
        order by e.finished_at desc
    ) card) as finished,
    (select jsonb_agg(upload) from (
        {UNFINISHED} limit :cards
    ) upload) as uploads,
    (select jsonb_agg(video_id) from unread) as unread,
    not exists (select from videos v join people p on p.id = v.user_id) as empty
"""


def find(connection: Connection, user_id: int, *, everybody: bool) -> HomeRows:
    """Of the user, or of everybody; uploads and unread messages are always the user's own."""
    row = connection.execute(
        text(_HOME),
        {
            "user_id": user_id,
            "everybody": everybody,
            "cards": CARDS,
            "counted": COUNTED,
            "failures_counted": FAILURES_COUNTED,
            "failure_days": FAILURE_DAYS,
            "kept_seconds": KEPT_SECONDS,
        },
    ).one()
    return HomeRows(
        under_way=_cards(row.under_way),
        under_way_count=row.under_way_count,
        waiting=row.waiting,
        waits_until=row.waits_until,
        failed=_cards(row.failed),
        failed_count=row.failed_count,
        finished=_cards(row.finished),
        uploads=tuple(
            Unfinished(**{**each, "id": UUID(each["id"]), "touched_at": datetime.fromisoformat(each["touched_at"])})
            for each in row.uploads or ()
        ),
        unread=frozenset(map(UUID, row.unread or ())),
        empty=row.empty,
    )


def _cards(found: list[dict[str, Any]] | None) -> tuple[Card, ...]:
    """The first card of each video."""
    by_video: dict[str, Card] = {}
    for each in found or ():
        by_video.setdefault(
            each["video_id"],
            Card(
                **{
                    **each,
                    "job_id": UUID(each["job_id"]),
                    "video_id": UUID(each["video_id"]),
                    "kind": JobKind(each["kind"]),
                    "state": JobState(each["state"]),
                    "at": datetime.fromisoformat(each["at"]),
                    "picture": None if each["picture"] is None else UUID(each["picture"]),
                }
            ),
        )
    return tuple(by_video.values())
