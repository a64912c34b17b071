"""64 threads in 4 processes on each limit: exactly the limit is admitted, all or nothing, and nothing twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import text

from services import begun_uploads
from services.bootstrap import Services
from services.model import JobKind, User
from tests.films import film_of
from tests.integration.conftest import NewUser
from tests.integration.limit_storm import PROCESSES, THREADS, Storm, storm
from tests.integration.work import accept

Another = Callable[..., Services]
ALL = PROCESSES * THREADS


@pytest.fixture(scope="module")
def processes(migrated_url: str, valkey_url: str) -> Iterator[Storm]:
    with storm(migrated_url, valkey_url) as processes:
        yield processes


def uploaded(services: Services, user: User) -> UUID:
    """An upload of which every byte is there."""
    content = film_of(uuid4().bytes)

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    upload = services.uploads.begin(user, file_name="film.mp4", size=len(content), fingerprint=str(uuid4()), title=None)
    asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=chunks()))
    return upload.id


def starts(services: Services, user: User) -> list[datetime]:
    with services.database.transaction() as connection:
        query = text("select at from quota_uses where user_id = :id and quota = 'jobs' order by at")
        return list(connection.execute(query, {"id": user.id}).scalars())


def most_within(moments: list[datetime], window: timedelta) -> int:
    """The most that any rolling window holds."""
    return max(sum(first <= at < first + window for at in moments) for first in moments)


def test_any_rolling_window_holds_exactly_the_limit(another: Another, new_user: NewUser, processes: Storm) -> None:
    user, limit, window = new_user(), 50, 1.0
    found = processes.round(another().settings, "stamps", user, seconds=2.6 * window, limit=limit, window=window)
    stamps = sorted(int(stamp) for stamp in found)
    assert len(set(stamps)) == len(stamps)
    within = [
        sum(first <= one < first + window * 1e6 for one in stamps[at : at + limit + 9])
        for at, first in enumerate(stamps)
    ]
    assert max(within) == limit
    assert within[0] == limit
    assert len(stamps) >= 2 * limit  # it goes on as the window slides


def test_what_redis_forgets_is_not_handed_out_again(
    another: Another, new_user: NewUser, client: redis.Redis, processes: Storm
) -> None:
    user = new_user()
    services = another(requests_per_minute=40)
    assert processes.counted(services.settings, "requests", user) == {"done": 40, "requests": ALL - 40}
    client.flushall()
    client.script_flush()
    assert processes.counted(services.settings, "requests", user) == {"requests": ALL}
    assert services.limits.of(user).requests.used == 40


def test_uploads_are_all_or_nothing_across_the_three(
    another: Another, new_user: NewUser, monkeypatch: pytest.MonkeyPatch, client: redis.Redis, processes: Storm
) -> None:
    monkeypatch.setattr(begun_uploads, "MOST_UNFINISHED", ALL + 1)
    services, user = another(requests_per_minute=1000, uploads_per_day=20, jobs_per_hour=10), new_user()
    uploads = [uploaded(services, user) for _ in range(ALL)]
    assert processes.counted(services.settings, "complete", user, uploads) == {"done": 20, "uploads": ALL - 20}
    used = services.limits.of(user)
    assert used.uploads.used == 20
    assert used.requests.used == 20  # what was refused gave its request back
    moments = starts(services, user)
    assert len(moments) == 20
    assert sum(at <= datetime.now(UTC) for at in moments) == 10
    assert most_within(moments, timedelta(hours=1)) == 10


def test_over_the_requests_no_upload_is_used(
    another: Another, new_user: NewUser, monkeypatch: pytest.MonkeyPatch, client: redis.Redis, processes: Storm
) -> None:
    monkeypatch.setattr(begun_uploads, "MOST_UNFINISHED", ALL + 1)
    services, user = another(requests_per_minute=15, uploads_per_day=20), new_user()
    uploads = [uploaded(services, user) for _ in range(ALL)]
    assert processes.counted(services.settings, "complete", user, uploads) == {"done": 15, "requests": ALL - 15}
    assert services.limits.of(user).uploads.used == 15
    assert len(starts(services, user)) == 15


def test_jobs_of_an_hour(another: Another, new_user: NewUser, client: redis.Redis, processes: Storm) -> None:
    services, user = another(requests_per_minute=1000, jobs_per_hour=10), new_user()
    videos = [accept(services.database, user, kind=JobKind.TRANSCRIBE).video_id for _ in range(ALL)]
    with services.database.transaction() as connection:
        connection.execute(text("delete from quota_uses where user_id = :id"), {"id": user.id})
    assert Counter(processes.round(services.settings, "submit", user, videos)) == {"done": ALL}
    moments = starts(services, user)
    assert len(moments) == ALL
    assert sum(at <= datetime.now(UTC) for at in moments) == 10
    assert most_within(moments, timedelta(hours=1)) == 10
