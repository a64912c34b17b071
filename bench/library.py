"""A library of many videos with what was said in them, put on record without running any stage."""

from __future__ import annotations

from sqlalchemy import text

from bench.report import say
from services.database import Database

LINES = 20  # spoken lines a video
WORDS = 12  # words a line
DIFFERENT_LINES = 20_000
OWNERS = 200
BATCH = 5000  # videos in one transaction

# Words as often as in speech: the n-th most common of 20,000 about 1/n as often as the first.
_VIDEOS = """
insert into videos (id, user_id, title, file_name, size_bytes, sha256, state, created_at, changed_at, duration, tags)
select gen_random_uuid(), o.id, initcap(spoken_words(n * 1000 + 1, 4)) || ' ' || n, 'recording-' || n || '.mp4', 5e7,
    n::text,
    case when n % 100 < 90 then 'repurposed' when n % 100 < 94 then 'analyzed' when n % 100 < 97 then 'failed'
         when n % 100 < 99 then 'cancelled' when n % 1000 = 99 then 'processing' else 'uploaded' end,
    now() - n * interval '1 minute', now() - n * interval '30 seconds', 30 + (n * 7919) % 3600,
    case when n % 10 = 0 then array['tag' || n % 50] else '{}' end
from generate_series(cast(:first as integer), cast(:last as integer)) n
join bench_owners o on o.number = n % cast(:owners as integer)
returning id
"""
_LINES = """
insert into spoken_lines (video_id, position, start, "end", text, english)
select v.id, p, p * 4, p * 4 + 4, s.text, true
from videos v cross join generate_series(0, cast(:lines as integer) - 1) p
join bench_lines s on s.number = (v.sha256::integer * 7919 + p * 104729) % cast(:different as integer)
where v.sha256::integer between :first and :last
"""
_SPOKEN = """
create function spoken_words(p_seed integer, p_count integer) returns text language sql immutable as $$
    select string_agg(syllable(n % 70) || syllable(n / 70 % 70) || syllable(n / 4900 % 70), ' ')
    from generate_series(1, p_count) i,
        lateral (select (hashint8extended(p_seed, i) & 1048575) / 1048576.0 as share) drawn,
        lateral (select floor(exp(ln(20000) * share))::integer * 7919 % 343000 as n) words
$$
"""
_SYLLABLE = """
create function syllable(n integer) returns text language sql immutable as $$
    select substr('bdfgklmnprstvz', n / 5 + 1, 1) || substr('aeiou', n % 5 + 1, 1)
$$
"""


def fill(database: Database, *, videos: int, lines: int = LINES, owner_ids: list[int]) -> None:
    """So many videos of these owners, in all states and lengths, the first one the newest."""
    with database.transaction() as connection:
        connection.execute(text(_SYLLABLE))
        connection.execute(text(_SPOKEN))
        connection.execute(
            text(
                "create table bench_lines as select n as number, spoken_words(n * 20 + 7, :words) as text"
                " from generate_series(0, :different - 1) n"
            ),
            {"words": WORDS, "different": DIFFERENT_LINES},
        )
        connection.execute(text("alter table bench_lines add primary key (number)"))
        connection.execute(text("create table bench_owners (number integer primary key, id bigint)"))
        connection.execute(
            text(
                "insert into bench_owners select n - 1, id from unnest(cast(:ids as bigint[])) with ordinality o(id, n)"
            ),
            {"ids": owner_ids},
        )
    for first in range(1, videos + 1, BATCH):
        last = min(videos, first + BATCH - 1)
        with database.transaction() as connection:
            connection.execute(text("set local session_replication_role = replica"))
            span = {"first": first, "last": last}
            connection.execute(text(_VIDEOS), {**span, "owners": len(owner_ids)})
            connection.execute(text(_LINES), {**span, "lines": lines, "different": DIFFERENT_LINES})
            connection.execute(
                text("select renew_words(array(select id from videos where sha256::integer between :first and :last))"),
                span,
            )
        say(f"  {last} videos with {last * lines} spoken lines")
    with database.statement() as connection:
        connection.execute(text("vacuum (analyze) videos"))
        connection.execute(text("vacuum (analyze) spoken_lines"))
        connection.execute(text("vacuum (analyze) video_words"))


def word(rank: int) -> str:
    """The n-th most common word, as the database makes it."""
    number = rank * 7919 % 343_000
    return "".join(
        "bdfgklmnprstvz"[digit // 5] + "aeiou"[digit % 5]
        for digit in (number % 70, number // 70 % 70, number // 4900 % 70)
    )
