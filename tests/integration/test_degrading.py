"""A server that is away, slow, full, silent or used up costs time and nothing else. One test for each such row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psutil
import pytest
import redis

from jobs.workers.bell import ROLL_CALL_EVERY
from services.bootstrap import Services
from services.database import NO_ANSWER
from services.errors import NotSignedIn, Unavailable
from services.library import Query
from services.model import JobKind, JobState, StageName, StageState, User
from services.revocations import MEMORY_SECONDS
from tests.integration.degraded import PIPELINE, Row, standing_still
from tests.integration.fleet import LEASE, Fleet, eventually
from tests.integration.refusing_redis import RefusingRedis


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path_factory.mktemp("degrading"))
    yield fleet
    fleet.stop()


@pytest.fixture
def row(fleet: Fleet) -> Iterator[Row]:
    row = Row(fleet)
    yield row
    row.close()


# Redis.


def test_redis_is_down_as_workers_start(row: Row) -> None:
    row.stop_redis()
    job = row.fleet.submit("sleep:0")
    leaver = row.fleet.start("ai")
    eventually(lambda: "redis_does_not_answer" in row.said(), 20)
    row.tell_to_stop(leaver)
    workers = [row.fleet.start("media"), row.fleet.start("ai")]
    row.done(job)
    assert row.fleet.outcomes(job) == PIPELINE
    row.start_redis()
    row.registered(*workers)


def test_redis_goes_down_in_the_middle_of_a_stage(row: Row) -> None:
    workers = [row.fleet.start("media"), row.fleet.start("ai")]
    job = row.fleet.submit("probe=sleep:1.5")
    eventually(lambda: row.fleet.stage(job) is StageState.RUNNING, 15)
    row.stop_redis()
    row.done(job)
    assert row.fleet.outcomes(job) == PIPELINE
    row.start_redis()
    row.registered(*workers)
    afterwards = row.fleet.submit("sleep:0")
    row.done(afterwards)


@pytest.mark.parametrize("when", ["busy", "idle"])
def test_redis_is_flushed(row: Row, when: str) -> None:
    workers = [row.fleet.start("media"), row.fleet.start("ai")]
    row.registered(*workers)
    time.sleep(ROLL_CALL_EVERY)  # it is answered this often at most
    jobs = []
    if when == "busy":
        jobs = [row.fleet.submit("probe=sleep:1.5"), row.fleet.submit("sleep:0")]
        eventually(lambda: row.fleet.stage(jobs[0]) is StageState.RUNNING, 15)
    with row.client() as client:
        client.flushall()
    if when == "idle":
        jobs = [row.fleet.submit("sleep:0")]
    for job in jobs:
        row.done(job)
        assert row.fleet.outcomes(job) == PIPELINE
    row.registered(*workers)


def test_redis_is_full(row: Row) -> None:
    """What was accepted is worked on to its end; a new upload is refused, plainly, until there is room."""
    workers = [row.fleet.start("media"), row.fleet.start("ai")]
    analyzed, probed = row.fleet.submit("analyze=sleep:2"), row.fleet.submit("probe=sleep:2")
    eventually(lambda: row.fleet.stage(analyzed, StageName.ANALYZE) is StageState.RUNNING, 20)
    eventually(lambda: row.fleet.stage(probed) is StageState.RUNNING, 20)
    whole = row.whole_upload()
    with row.client() as client, full(client):
        client.delete("rq:queue:media", "rq:queue:ai")
        accepted = row.fleet.services.uploads.complete(row.fleet.user, whole).job_id
        with pytest.raises(Unavailable, match="Redis is nearly full"):
            row.services().uploads.begin(row.fleet.user, file_name="a", size=1, fingerprint="x", title=None)
        for job in (probed, accepted, analyzed):
            row.done(job)
        fresh = row.fleet.start("media")
        eventually(lambda: "not_registered" in row.said(), 20)
    for job in (analyzed, probed, accepted):
        assert row.fleet.outcomes(job) == PIPELINE
    row.registered(*workers, fresh)


@contextmanager
def full(client: redis.Redis) -> Iterator[None]:
    """No room at all: whoever asks to write is told so."""
    client.config_set("maxmemory", int(client.info("memory")["used_memory"]) // 2)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("one more", "x")
        yield
    finally:
        client.config_set("maxmemory", 0)


def test_the_commands_of_redis_are_used_up(row: Row) -> None:
    """Each command is answered with an error from the start; nothing is asked of Redis in a tight loop."""
    refusing = RefusingRedis()
    row.afterwards.callback(refusing.close)
    services = row.services(redis_url=refusing.url)
    workers = [row.fleet.start(kind, REDIS_URL=refusing.url) for kind in ("media", "ai")]
    eventually(lambda: row.said().count("not_registered") == 2, 30)
    started = time.monotonic()
    job = services.uploads.accept_file(row.fleet.user, row.film(), title="sleep:0", kind=JobKind.PIPELINE).job_id
    assert time.monotonic() - started < 1.5
    row.done(job)
    assert row.fleet.outcomes(job) == PIPELINE
    assert session_is_checked(services, row.fleet.user) < 1.5
    refused, began = refusing.refused, time.monotonic()
    time.sleep(3)
    assert (refusing.refused - refused) / (time.monotonic() - began) < 10
    for worker in workers:
        row.tell_to_stop(worker)


def test_redis_is_slow(row: Row) -> None:
    """A round trip of 200 ms, with the lease that the product ships with: beats wait for Redis too."""
    _, slow_url = row.network(row.fleet.valkey.url, delay=0.1)
    services = row.services(redis_url=slow_url)
    workers = [row.fleet.start(kind, REDIS_URL=slow_url, BACKLOT_LEASE="15") for kind in ("media", "ai")]
    row.registered(*workers)
    started = time.monotonic()
    job = services.uploads.accept_file(row.fleet.user, row.film(), title="sleep:0", kind=JobKind.PIPELINE).job_id
    assert time.monotonic() - started < 2
    assert row.done(job) < 15
    assert row.fleet.outcomes(job) == PIPELINE
    assert session_is_checked(services, row.fleet.user) < 2


def test_a_worker_hears_a_request_to_stop_while_redis_is_slow(row: Row) -> None:
    """Also between two looks at it: in the round trip before the worker listens, which here takes long."""
    _, slow_url = row.network(row.fleet.valkey.url, delay=0.35)
    worker = row.fleet.start("media", REDIS_URL=slow_url)
    with row.client() as client:

        def says_idle() -> bool:
            keys = [key for key in client.smembers("rq:workers") if f"-{worker.pid}-".encode() in key]
            return bool(keys) and client.hget(keys[0], "state") == b"idle"

        eventually(says_idle, 30)
    row.tell_to_stop(worker)  # it has not heard yet that its state was kept


def test_redis_is_silent(row: Row) -> None:
    """Connections stay open and carry nothing. What runs ends; an ai worker that listens hears again afterwards."""
    network, url = row.network(row.fleet.valkey.url)
    services = row.services(redis_url=url)
    workers = [row.fleet.start(kind, REDIS_URL=url, BACKLOT_LEASE="15") for kind in ("media", "ai")]
    analyzed, probed = row.fleet.submit("analyze=sleep:2"), row.fleet.submit("probe=sleep:2")
    eventually(lambda: row.fleet.stage(analyzed, StageName.ANALYZE) is StageState.RUNNING, 20)
    eventually(lambda: row.fleet.stage(probed) is StageState.RUNNING, 20)
    network.hang()
    started = time.monotonic()
    accepted = services.uploads.accept_file(row.fleet.user, row.film(), title="sleep:0", kind=JobKind.PIPELINE).job_id
    assert time.monotonic() - started < 1.5
    assert session_is_checked(services, row.fleet.user) < 1.5
    for job in (probed, accepted):
        row.has_done(job, StageName.TRANSCRIBE)
    row.has_done(analyzed, StageName.ANALYZE)
    network.mend()
    for job in (analyzed, probed, accepted):
        row.done(job)
        assert row.fleet.outcomes(job) == PIPELINE
    row.registered(*workers, within=70)


# Postgres.


def test_postgres_is_down_as_workers_start(row: Row) -> None:
    job = row.fleet.submit("sleep:0")
    with row.client() as client:
        client.delete("rq:queue:media")
    row.kill_postgres()
    leaver = row.fleet.start("ai")
    workers = [row.fleet.start("media"), row.fleet.start("ai")]
    row.registered(*workers, leaver)
    row.tell_to_stop(leaver)
    row.start_postgres()
    row.done(job)
    assert row.fleet.outcomes(job) == PIPELINE


def test_postgres_is_away_for_less_than_the_lease(row: Row) -> None:
    """The attempt goes on, and is recorded once."""
    for kind in ("media", "ai"):
        row.fleet.start(kind, BACKLOT_LEASE="15")
    job = row.fleet.submit("probe=sleep:3")
    eventually(lambda: row.fleet.stage(job) is StageState.RUNNING, 15)
    row.kill_postgres()
    time.sleep(0.5)
    row.start_postgres()
    row.done(job)
    assert row.fleet.outcomes(job) == PIPELINE
    assert row.deaths_and_tries(job, StageName.PROBE) == (0, 1)


def test_postgres_is_away_for_longer_than_the_lease_twice(row: Row) -> None:
    """The stage is handed back and run again; a file is not blamed for it."""
    for kind in ("media", "ai"):
        row.fleet.start(kind)
    job = row.fleet.submit("probe=sleep:5")
    for attempt in (1, 2):
        row.runs(job, attempt)
        row.kill_postgres()
        time.sleep(LEASE + 1)
        row.start_postgres()
    row.done(job)
    assert row.fleet.outcomes(job) == ["released"] * 2 + PIPELINE
    assert row.deaths_and_tries(job, StageName.PROBE) == (0, 1)


def test_postgres_is_slow(row: Row) -> None:
    """A round trip of 200 ms, with the lease that the product ships with."""
    _, slow_url = row.network(row.fleet.postgres.url, delay=0.1)
    for kind in ("media", "ai"):
        row.fleet.start(kind, DATABASE_URL=slow_url, BACKLOT_LEASE="15")
    job = row.fleet.submit("probe=sleep:2")
    assert row.done(job) < 40
    assert row.fleet.outcomes(job) == PIPELINE


@pytest.mark.parametrize(("lease", "seconds"), [(15.0, 3.0), (LEASE, LEASE + 3)], ids=["within", "beyond"])
def test_postgres_stands_still(row: Row, lease: float, seconds: float) -> None:
    """Its processes are stopped, within the lease and beyond it; connections stay open."""
    for kind in ("media", "ai"):
        row.fleet.start(kind, BACKLOT_LEASE=str(lease))
    job = row.fleet.submit("probe=sleep:4")
    eventually(lambda: row.fleet.stage(job) is StageState.RUNNING, 15)
    assert row.fleet.postgres.process is not None
    postmaster = psutil.Process(row.fleet.postgres.process.pid)
    with standing_still(postmaster, *postmaster.children(recursive=True)):
        time.sleep(seconds)
    row.done(job)
    before = row.fleet.outcomes(job)[: -len(PIPELINE)]
    # A claim that hung is older than its lease allows when it comes back: it too is handed back.
    assert set(before) == ({"released"} if seconds > lease else set())
    assert row.fleet.outcomes(job)[-len(PIPELINE) :] == PIPELINE
    assert row.deaths_and_tries(job, StageName.PROBE) == (0, 1)


def test_one_worker_is_cut_off_from_postgres(row: Row) -> None:
    """Another goes on, and takes over; when the first is back, its loss counts for nothing."""
    network, url = row.network(row.fleet.postgres.url)
    row.fleet.start("media", DATABASE_URL=url)
    job = row.fleet.submit("probe=sleep:8")
    eventually(lambda: row.fleet.stage(job) is StageState.RUNNING, 15)
    row.registered(row.fleet.start("media"), row.fleet.start("ai"))
    network.cut()
    row.runs(job, 2)
    assert row.fleet.outcomes(job)[:1] == ["lost"]
    network.mend()
    eventually(lambda: row.fleet.outcomes(job)[:1] == ["released"], 8)
    row.done(job)
    assert row.fleet.outcomes(job) == ["released", *PIPELINE]
    assert row.deaths_and_tries(job, StageName.PROBE) == (0, 1)
    other = row.fleet.submit("sleep:0")
    row.done(other)


# Services: what a page sees.


def test_an_upload_is_accepted_at_once_without_redis_and_rung_for_later(row: Row) -> None:
    row.stop_redis()
    started = time.monotonic()
    job = row.fleet.submit("sleep:0")
    assert time.monotonic() - started < 1
    assert row.fleet.state(job) is JobState.QUEUED
    row.start_redis()
    with row.client() as client:
        client.delete("rq:queue:media")
        eventually(lambda: client.llen("rq:queue:media") == 1, 20, "the ring")
    row.fleet.services.operations.cancel(row.fleet.user, job)


def test_sessions_are_checked_without_redis(row: Row) -> None:
    row.stop_redis()
    services = row.services()
    token, session = services.sessions.exchange(
        services.sessions.issue_ticket(row.fleet.user), address="127.0.0.1", user_agent="test"
    )
    for _ in range(2):
        assert services.sessions.verify(token).user == row.fleet.user
        time.sleep(MEMORY_SECONDS)  # what was checked is not asked again within it
    assert session_is_checked(services, row.fleet.user) < 1
    services.sessions.revoke(session)
    with pytest.raises(NotSignedIn):
        services.sessions.verify(token)
    with pytest.raises(NotSignedIn):
        row.fleet.services.sessions.verify(token)
    row.start_redis()


@pytest.mark.parametrize("how", ["down", "silent"])
def test_without_postgres_every_answer_is_a_plain_refusal_in_time(row: Row, how: str) -> None:
    network, url = row.network(row.fleet.postgres.url)
    services = row.services(database_url=url)
    token, _ = row.fleet.services.sessions.exchange(
        row.fleet.services.sessions.issue_ticket(row.fleet.user), address="127.0.0.1", user_agent="test"
    )
    if how == "down":
        network.cut()
    else:
        network.hang()
    user = row.fleet.user
    asked: dict[str, Callable[[], object]] = {
        "a page": lambda: services.library.search(user, Query()),
        "a session": lambda: services.sessions.verify(token),
    }
    if how == "down":
        asked |= {
            "a ticket": lambda: services.sessions.issue_ticket(user),
            "a submission": lambda: services.operations.submit(user, uuid4(), JobKind.POSTS),
            "an upload": lambda: services.uploads.begin(user, file_name="a", size=1, fingerprint="x", title=None),
            "a part": lambda: services.uploads.status(user, uuid4()),
            "the end of an upload": lambda: services.uploads.complete(user, uuid4()),
            "queues": lambda: services.operations.queues(user),
        }
    for what, ask in asked.items():
        started = time.monotonic()
        with pytest.raises(Unavailable) as refused:
            ask()
        assert time.monotonic() - started < 6, what
        assert str(refused.value) == NO_ANSWER


def session_is_checked(services: Services, user: User) -> float:
    """Seconds that a page waits for the check of a session that its process has not seen before."""
    token, session = services.sessions.exchange(services.sessions.issue_ticket(user), address="::1", user_agent="test")
    started = time.monotonic()
    assert services.sessions.verify(token).id == session.id
    return time.monotonic() - started
