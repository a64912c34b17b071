"""New uploads are refused, in words, while the house is full; what was begun or accepted goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from console import wiring
from console.route_table import ROUTES
from console.routes.answers import answer_error
from services.admission import Admission, Bounds, Figures
from services.bootstrap import Services
from services.database import Database
from services.embedded import Server, start_valkey
from services.errors import BacklotError, Unavailable
from services.health import redis_memory_used
from services.model import JobState, User
from services.records import queues
from services.uploads import Upload, Uploads
from tests.integration.conftest import NewUser
from tests.integration.work import accept, clear_work

Another = Callable[..., Services]
MEMORY = 16 * 2**20  # bytes for the small Redis; empty it takes about 1 MiB


@pytest.fixture(autouse=True)
def no_work(database: Database) -> None:
    clear_work(database)


@pytest.fixture
def small_redis(tmp_path: Path) -> Iterator[redis.Redis]:
    """A Valkey of a few MiB that evicts nothing, as a small hosted one."""
    server: Server = start_valkey(tmp_path / "small-valkey")
    client = redis.Redis.from_url(server.url, socket_timeout=0.5, retry=None)
    client.config_set("maxmemory", MEMORY)
    client.config_set("maxmemory-policy", "noeviction")
    yield client
    client.close()
    server.stop()


def fill(client: redis.Redis, share: float) -> None:
    """Fill Redis to at least this share, or until it refuses."""
    while (redis_memory_used(client) or 0) < share:
        try:
            client.set(f"filling:{uuid4()}", b"x" * 200_000)
        except redis.exceptions.OutOfMemoryError:
            return


def begin(services: Services, user: User, size: int = 10, fingerprint: str = "f") -> Upload:
    return services.uploads.begin(user, file_name="film.mp4", size=size, fingerprint=fingerprint, title=None)


async def content(data: bytes) -> AsyncIterator[bytes]:
    yield data


def send(services: Services, user: User, upload: Upload, data: bytes) -> None:
    asyncio.run(services.uploads.append(user, upload.id, offset=upload.offset, chunks=content(data)))


def refusals(database: Database, user: User) -> list[str]:
    with database.statement() as connection:
        return list(
            connection.execute(
                text("select reason from events where user_id = :id and action = 'upload refused' order by id"),
                {"id": user.id},
            ).scalars()
        )


def test_a_backlog_refuses_what_is_new_and_nothing_else(
    another: Another, database: Database, new_user: NewUser
) -> None:
    user = new_user()
    services = another(backlog_limit=3)
    begun = begin(services, user, fingerprint="begun before")
    for _ in range(3):
        accept(database, new_user())
    begin(another(backlog_limit=3), user, fingerprint="at the limit")
    accept(database, new_user())

    full = another(backlog_limit=3)
    with pytest.raises(Unavailable, match="More than 3 steps of earlier uploads"):
        begin(full, user, fingerprint="new")
    assert len(refusals(database, user)) == 1
    assert begin(full, user, fingerprint="begun before").id == begun.id
    send(full, user, begun, b"ID33456789")
    accepted = full.uploads.complete(user, begun.id)
    assert full.operations.job(user, accepted.job_id).state is JobState.QUEUED
    assert len(refusals(database, user)) == 1


def test_the_count_ends_beyond_the_limit_and_leaves_out_what_waits_for_other_stages(
    database: Database, new_user: NewUser
) -> None:
    for _ in range(4):
        accept(database, new_user())
    with database.statement() as connection:
        assert queues.count_ready(connection, at_most=100) == 4
        assert queues.count_ready(connection, at_most=2) == 2


def test_a_nearly_full_redis_refuses(
    another: Another, database: Database, new_user: NewUser, small_redis: redis.Redis
) -> None:
    user = new_user()
    begun = begin(another(client=small_redis), user, fingerprint="begun before")
    fill(small_redis, 1.0)
    assert (redis_memory_used(small_redis) or 0) > 0.9
    full = another(client=small_redis)
    with pytest.raises(Unavailable, match=r"Redis is nearly full \(\d+% of its memory\)"):
        begin(full, user, fingerprint="new")
    send(full, user, begun, b"ID33456789")
    accepted = full.uploads.complete(user, begun.id)  # the wake may be refused: the job is accepted
    assert full.operations.job(user, accepted.job_id).state is JobState.QUEUED
    small_redis.flushall()
    begin(another(client=small_redis), user, fingerprint="new")


def test_a_redis_without_a_bound_or_that_makes_room_itself_refuses_nothing(
    another: Another, new_user: NewUser, small_redis: redis.Redis
) -> None:
    fill(small_redis, 0.9)
    assert (redis_memory_used(small_redis) or 0) > 0.8
    small_redis.config_set("maxmemory-policy", "volatile-lru")
    begin(another(client=small_redis), new_user())
    small_redis.config_set("maxmemory-policy", "noeviction")
    small_redis.config_set("maxmemory", 0)
    begin(another(client=small_redis), new_user())


def test_a_redis_that_does_not_answer_refuses_nothing(another: Another, new_user: NewUser) -> None:
    nobody = redis.Redis(port=1, socket_connect_timeout=0.1, retry=None)
    assert redis_memory_used(nobody) is None
    begin(another(client=nobody), new_user())


def test_asking_redis_is_no_billed_command(another: Another, new_user: NewUser, client: redis.Redis) -> None:
    services = another()
    client.config_resetstat()
    for number in range(20):
        begin(services, new_user(), fingerprint=str(number))
    ran = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in client.info("commandstats").items()}
    free = {"info", "ping", "hello", "auth", "client|setinfo", "select", "config|resetstat"}
    assert ran["info"] == 1
    assert set(ran) <= free


def full_disk(services: Services) -> Uploads:
    """The uploads of these services on a disk that has little room left."""

    def measure() -> Figures:
        return Figures(ready_stages=0, disk_free=99, disk_size=1000, redis_used=None)

    bounds = Bounds(backlog=5000, disk_reserve=0, disk_reserve_share=0.1)
    return Uploads(
        services.database,
        services.storage,
        services.queue,
        services.sweeper,
        services.settings,
        admission=Admission(measure, bounds),
        progress=services.progress,
        limits=services.limits,
    )


def test_a_nearly_full_disk_refuses(services: Services, database: Database, new_user: NewUser) -> None:
    user = new_user()
    begun = begin(services, user, fingerprint="begun before")
    uploads = full_disk(services)
    with pytest.raises(Unavailable, match="disk of the server is nearly full"):
        uploads.begin(user, file_name="film.mp4", size=1, fingerprint="new", title=None)
    assert len(refusals(database, user)) == 1
    again = uploads.begin(user, file_name="film.mp4", size=10, fingerprint="begun before", title=None)
    assert again.id == begun.id


def test_a_connection_that_dies_before_its_first_byte_leaves_an_upload_to_go_on_with(
    services: Services, new_user: NewUser
) -> None:
    user = new_user()
    upload = begin(services, user)

    async def nothing() -> AsyncIterator[bytes]:
        raise ConnectionResetError
        yield b""

    with pytest.raises(ConnectionResetError):
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=nothing()))
    assert services.storage.incoming(upload.id).exists()
    assert begin(services, user) == upload
    services.storage.drop_incoming(upload.id)
    assert begin(services, user) == upload
    send(services, user, upload, b"ID334")
    services.storage.drop_incoming(upload.id)  # its bytes are gone: another one
    assert begin(services, user).id != upload.id


class SignedIn:
    """Stands for the gate: every request is this user's."""

    def __init__(self, app: ASGIApp, user: User) -> None:
        self._app = app
        self._user = user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["session"] = SimpleNamespace(user=self._user)
        run: Awaitable[None] = self._app(scope, receive, send)
        await run


def test_the_page_is_told_the_reason_and_when_to_try_again(
    another: Another, database: Database, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user()
    for _ in range(2):
        accept(database, new_user())
    services = another(backlog_limit=1)
    monkeypatch.setattr(wiring, "services", lambda: services)
    application = Starlette(
        routes=list(ROUTES),
        middleware=[Middleware(SignedIn, user=user)],
        exception_handlers={BacklotError: answer_error},
    )
    with TestClient(application) as browser:
        body = {"name": "talk.mp4", "size": 1, "fingerprint": "f"}
        answer = browser.post("/api/v1/uploads", json=body)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["detail"] == refusals(database, user)[0]
        assert "Try again in a few minutes" in answer.json()["detail"]
        clear_work(database)
        monkeypatch.setattr("services.admission.REMEMBERED", 0.0)
        taken = browser.post("/api/v1/uploads", json=body)
        assert taken.status_code == 201
        assert UUID(taken.json()["id"])
