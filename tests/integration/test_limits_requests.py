"""Requests of a minute: what spends one, what gives it back, and what happens while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from sqlalchemy import text

from services import keys
from services.bootstrap import Services
from services.errors import BadInput, LimitReached, NotFound, Unavailable
from services.library import Query
from services.model import JobKind, LimitName, Role, User
from services.queue import connect
from services.request_log import REMEMBERED, RequestLog
from tests.films import film_of
from tests.integration.conftest import NewUser
from tests.integration.work import accept

Another = Callable[..., Services]
FAR = 1_000_000_000  # ids that no user has


def spend(services: Services, user: User) -> int:
    with services.limits.request(user) as use:
        return use.used


def used(services: Services, user: User) -> int:
    return services.limits.of(user).requests.used


def test_the_limit_says_when_to_come_back(another: Another, new_user: NewUser) -> None:
    services, user = another(requests_per_minute=2), new_user()
    assert [spend(services, user), spend(services, user)] == [1, 2]
    with pytest.raises(LimitReached, match=r"You have done 2 things within a minute\. Go on in (60|59) s\.") as refusal:
        spend(services, user)
    assert refusal.value.limit is LimitName.REQUESTS
    assert 50 < refusal.value.retry_after <= 60
    view = services.limits.of(user).requests
    assert (view.used, view.left, view.window) == (2, 0, 60.0)
    assert view.free_at is not None
    assert spend(services, new_user()) == 1  # of each user by themselves


def test_what_is_nested_is_one(services: Services, new_user: NewUser) -> None:
    user, other = new_user(), new_user()
    with services.limits.request(user), services.limits.request(user), services.limits.request(other):
        assert (used(services, user), used(services, other)) == (1, 1)
    assert spend(services, user) == 2


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (LimitReached("later", retry_after=1.0), 0),
        (Unavailable("later"), 0),
        (RuntimeError("a fault of ours"), 0),
        (NotFound("not there"), 1),
        (BadInput("not so"), 1),
    ],
)
def test_what_comes_to_nothing_by_no_fault_of_the_users_is_given_back(
    services: Services, new_user: NewUser, error: Exception, left: int
) -> None:
    user = new_user()
    with pytest.raises(type(error)), services.limits.request(user), services.limits.request(user):
        raise error
    assert used(services, user) == left


def test_an_accept_that_is_rolled_back_costs_nothing(
    services: Services, new_user: NewUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user()
    film = tmp_path / "film.mp4"
    film.write_bytes(film_of(b"any"))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("after both quotas are used")

    monkeypatch.setattr("services.uploads.uploads.set_video", fail)
    with pytest.raises(RuntimeError, match="quotas"):
        services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)
    view = services.limits.of(user)
    assert (view.requests.used, view.jobs.used, view.uploads.used) == (0, 0, 0)
    monkeypatch.undo()
    services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)
    view = services.limits.of(user)
    assert (view.requests.used, view.jobs.used, view.uploads.used) == (1, 1, 1)


def test_an_operators_retry_is_out_of_nobodys_jobs(services: Services, new_user: NewUser) -> None:
    owner, operator = new_user(), new_user(Role.OPERATOR)
    job_id = accept(services.database, owner).job_id
    services.operations.cancel(owner, job_id)
    before = services.limits.of(owner)
    services.operations.retry(operator, job_id)
    assert services.limits.of(owner) == before
    view = services.limits.of(operator)
    assert (view.requests.used, view.jobs.used) == (1, 0)


def test_a_search_spends_one_and_the_same_again_none(services: Services, new_user: NewUser) -> None:
    user = new_user()
    for words in ("", "", "walk", "walk", " walk ", "morning"):
        services.library.search(user, Query(text=words))
    assert used(services, user) == 2


def test_refusals_are_on_record_and_jobs_for_later_are_none(
    another: Another, new_user: NewUser, services: Services, tmp_path: Path
) -> None:
    limited, user = another(requests_per_minute=2, jobs_per_hour=1, uploads_per_day=2), new_user()
    film = tmp_path / "film.mp4"
    film.write_bytes(film_of(b"any"))
    for _ in range(2):
        limited.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)  # the second job is for later
    for _ in range(3):
        with pytest.raises(LimitReached):
            spend(limited, user)
    with pytest.raises(LimitReached) as refusal:
        limited.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)
    assert refusal.value.limit is LimitName.UPLOADS
    limited.limits.close()
    with services.database.transaction() as connection:
        rows = connection.execute(
            text("select limit_name, sum(refused) as count from limit_refusals where user_id = :id group by 1"),
            {"id": user.id},
        ).all()
    assert {row.limit_name: row.count for row in rows} == {"requests": 3, "uploads": 1}


def test_without_redis_the_process_counts_on(another: Another, new_user: NewUser, valkey_url: str) -> None:
    client, silent = connect(valkey_url), connect("redis://127.0.0.1:1/0")
    services, user = another(requests_per_minute=4, client=client), new_user()
    assert [spend(services, user), spend(services, user)] == [1, 2]
    pool, client.connection_pool = client.connection_pool, silent.connection_pool
    assert [spend(services, user), spend(services, user)] == [3, 4]
    with pytest.raises(LimitReached):
        spend(services, user)
    view = services.limits.of(user)
    assert (view.requests.used, view.degraded) == (4, True)
    client.connection_pool = pool
    deadline = time.monotonic() + 20
    while services.limits.of(user).degraded and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(LimitReached):
        spend(services, user)  # what was given without Redis is put back
    assert used(another(requests_per_minute=4), user) == 4


def test_a_silent_redis_is_not_asked_by_each(
    another: Another, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, user = another(client=connect("redis://127.0.0.1:1/0")), new_user()
    asked: list[str] = []
    run = RequestLog._run

    def counting(self: RequestLog, user_id: int, verb: str, *others: object) -> object:
        asked.append(verb)
        return run(self, user_id, verb, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(RequestLog, "_run", counting)
    for _ in range(20):
        spend(services, user)
    assert asked == ["spend"]


def test_the_script_is_there_again_after_redis_forgot_it(
    services: Services, new_user: NewUser, client: redis.Redis
) -> None:
    user = new_user()
    assert spend(services, user) == 1
    client.script_flush()
    assert spend(services, user) == 2
    client.flushall()
    assert spend(services, user) == 3


@pytest.mark.parametrize("kept", [b"x" * 48, b"9" * 64, b"", b"1" * 47])
def test_what_somebody_else_wrote_there_is_not_believed(
    services: Services, new_user: NewUser, client: redis.Redis, kept: bytes
) -> None:
    user = new_user()
    client.set(keys.requests(user.id), kept)
    assert spend(services, user) == 1
    client.delete(keys.requests(user.id))
    client.rpush(keys.requests(user.id), "a list")
    assert spend(services, user) == 2


def test_a_log_lives_for_its_window_and_takes_four_commands(client: redis.Redis, valkey_url: str) -> None:
    log = RequestLog(connect(valkey_url, patience=5), window=60)
    log.spend(FAR, limit=2)
    client.config_resetstat()
    log.spend(FAR, limit=2)
    stats = {name: values["calls"] for name, values in client.info("commandstats").items()}
    assert {name: stats.get(f"cmdstat_{name}") for name in ("evalsha", "time", "get", "set")} == dict.fromkeys(
        ("evalsha", "time", "get", "set"), 1
    )
    assert set(stats) <= {"cmdstat_evalsha", "cmdstat_time", "cmdstat_get", "cmdstat_set", "cmdstat_config|resetstat"}
    assert 59_000 < client.pttl(keys.requests(FAR)) <= 60_000


def test_what_a_process_remembers_is_bounded(client: redis.Redis, valkey_url: str) -> None:
    log = RequestLog(connect(valkey_url, patience=5), window=60)
    for user_id in range(FAR, FAR + REMEMBERED + 5):
        log.spend(user_id, limit=1)
    for _ in range(5):
        log.spend(FAR + REMEMBERED + 4, limit=1)
    assert len(log._known) == REMEMBERED
    assert max(len(known.stamps) for known in log._known.values()) == 16


def gets(client: redis.Redis) -> int:
    return int(client.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"])


def test_meters_of_who_spent_nothing_ask_once(client: redis.Redis, valkey_url: str) -> None:
    log = RequestLog(connect(valkey_url, patience=5), window=60)
    before = gets(client)
    assert [log.look(FAR, limit=5).used for _ in range(20)] == [0] * 20
    assert gets(client) - before == 1


def test_a_meter_drops_what_another_process_gave_back(client: redis.Redis, valkey_url: str) -> None:
    one, two = (RequestLog(connect(valkey_url, patience=5), window=60) for _ in range(2))
    given = one.spend(FAR, limit=9).stamp
    assert two.spend(FAR, limit=9).used == 2
    assert given is not None
    one.give_back(FAR, given)
    assert two.spend(FAR, limit=9).used == 2
    assert two.look(FAR, limit=9).used == 2
