"""The hub on real servers: a snapshot and then changes, what it asks of them, and what it does when they are away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from pydantic import SecretStr
from sqlalchemy import event

from services import live
from services.bootstrap import Services
from services.database import Database
from services.model import JobKind, QueueName, Role, StageName, User
from services.progress import JobChange, StageProgress
from tests.integration.conftest import NewUser
from tests.integration.fleet import eventually
from tests.integration.work import Accepted, accept, claim, clear_work, finish, lease, success
from tests.network import Network, of_url

Another = Callable[..., Services]
SOON = 2.0  # seconds in which a change must have come


class Screen:
    """A viewer that reads at once, and what it was shown."""

    def __init__(self, services: Services, user: User, *, also: tuple[UUID, ...] = ()) -> None:
        self._news = threading.Event()
        self._hub = services.live
        self.raw = b""
        self.viewer = services.live.join(user, self._news.set, also=also)

    def events(self) -> list[tuple[str, Any]]:
        self.raw += self.viewer.take()
        blocks = [block.split("\n") for block in self.raw.decode().split("\n\n") if block]
        return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]

    def jobs(self) -> dict[str, dict[str, Any]]:
        """The newest of each job by its id."""
        shown: dict[str, dict[str, Any]] = {}
        for name, data in self.events():
            for job in data["jobs"] if name == "snapshot" else [data] if name == "job" else []:
                shown[job["job_id"]] = job
        return shown

    def source(self) -> str:
        return next(data["source"] for name, data in reversed(self.events()) if name in {"snapshot", "source"})

    def close(self) -> None:
        self._hub.leave(self.viewer)


def shows(screen: Screen, job: Accepted, **expected: object) -> Callable[[], bool]:
    def holds() -> bool:
        shown = screen.jobs().get(str(job.job_id), {})
        return all(shown.get(name) == value for name, value in expected.items())

    return holds


class Asked:
    """The statements that a process sends to Postgres."""

    def __init__(self, services: Services) -> None:
        self.count = 0
        event.listen(services.database.engine, "before_cursor_execute", self._add)

    def _add(self, *_: object) -> None:
        self.count += 1


@pytest.fixture
def networks(postgres_url: str, valkey_url: str) -> Iterator[tuple[Network, Network]]:
    both = of_url(postgres_url), of_url(valkey_url)
    yield both
    for network in both:
        network.close()


@pytest.fixture
def web(
    networks: tuple[Network, Network], another: Another, migrated_url: str, valkey_url: str, client: redis.Redis
) -> Services:
    """A web process that hears, over networks that can be cut."""
    postgres, valkey = networks
    services = another(database_url=SecretStr(postgres.url(migrated_url)), redis_url=SecretStr(valkey.url(valkey_url)))
    clear_work(services.database)
    services.listen()
    eventually(services.listener.hears, 5, "the listening")
    return services


def told(job: Accepted, stage: StageName, percent: float | None, message: str = "") -> StageProgress:
    return StageProgress(job_id=job.job_id, video_id=job.video_id, stage=stage, percent=percent, message=message)


def test_a_snapshot_and_then_every_change(
    web: Services, services: Services, database: Database, new_user: NewUser
) -> None:
    user = new_user()
    job = accept(database, user)
    screen = Screen(web, user)
    (first,) = screen.events()
    assert first[0] == "snapshot"
    assert first[1]["source"] == "live"
    assert shows(screen, job, job_state="queued", video_state="uploaded", percent=0.0, message="Queued")()

    held = lease()
    (probe,) = claim(database, held, QueueName.MEDIA)
    services.progress.tell([told(job, StageName.PROBE, 0.0)])
    eventually(shows(screen, job, job_state="running", video_state="processing"), SOON)
    finish(database, [success(probe)])
    services.progress.tell([told(job, StageName.PROBE, None)])
    eventually(shows(screen, job, percent=2.0), SOON)
    claim(database, held, QueueName.MEDIA)
    services.progress.tell([told(job, StageName.TRANSCRIBE, 0.0)])
    eventually(shows(screen, job, message="Transcribing…"), SOON)
    services.progress.tell([told(job, StageName.TRANSCRIBE, 50.0, "Transcribing 5:00 of 10:00")])
    eventually(shows(screen, job, percent=21.0, message="Transcribing 5:00 of 10:00"), 0.5)
    screen.close()


def test_what_people_do_in_one_process_shows_in_another(
    web: Services, services: Services, database: Database, new_user: NewUser
) -> None:
    user = new_user()
    screen = Screen(web, user)
    video = accept(database, user)
    job_id = services.operations.submit(user, video.video_id, JobKind.THUMBNAILS)
    job = Accepted(video_id=video.video_id, job_id=job_id)
    eventually(shows(screen, job, job_state="queued"), SOON)
    services.operations.cancel(user, job_id)
    eventually(shows(screen, job, job_state="cancelled"), SOON)
    services.operations.retry(user, job_id)
    eventually(shows(screen, job, job_state="queued"), SOON)
    answers = services.operations.submit_many(user, [video.video_id], JobKind.TRANSCRIBE)
    again = answers[video.video_id]
    assert isinstance(again, UUID)
    eventually(shows(screen, Accepted(video_id=video.video_id, job_id=again), job_state="queued"), SOON)
    screen.close()


def test_a_stream_carries_nothing_of_another_user(
    web: Services, services: Services, database: Database, new_user: NewUser
) -> None:
    mine, other, analyst = new_user(), new_user(), new_user(Role.ANALYST)
    before = accept(database, mine)
    foreign, watching = Screen(web, other, also=(before.job_id,)), Screen(web, analyst)
    after = accept(database, mine)
    services.progress.tell([JobChange(job_id=after.job_id, video_id=after.video_id)])
    for job in (before, after):
        eventually(shows(watching, job, job_state="queued"), SOON)
    assert [name for name, _ in foreign.events()] == ["snapshot"]
    for secret in (before.job_id, after.job_id, before.video_id, after.video_id, mine.name):
        assert str(secret).encode() not in foreign.raw
        assert str(secret).encode() in watching.raw
    foreign.close()
    watching.close()


def test_nothing_is_asked_while_nobody_looks_or_nothing_is_under_way(
    web: Services, services: Services, database: Database, new_user: NewUser, client: redis.Redis
) -> None:
    user = new_user()
    asked = Asked(web)
    job = accept(database, user)
    change = JobChange(job_id=job.job_id, video_id=job.video_id)
    for _ in range(20):
        services.progress.tell([change])
    time.sleep(0.7)
    assert asked.count == 0
    with database.transaction() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql("update jobs set state = 'cancelled' where id = %s", (job.job_id,))
    screens = [Screen(web, user) for _ in range(20)]
    assert asked.count == 1
    before = client.info("commandstats")
    time.sleep(live.DEAF_PAUSE + 0.5)
    assert asked.count == 1
    after = client.info("commandstats")
    assert {name for name in after if after[name]["calls"] != before.get(name, {}).get("calls")} <= {"cmdstat_info"}
    for screen in screens:
        screen.close()
    assert web.live.count() == 0


def test_many_changes_are_few_questions(
    web: Services, services: Services, database: Database, new_user: NewUser
) -> None:
    user = new_user()
    jobs = [accept(database, user) for _ in range(50)]
    screen = Screen(web, user)
    asked = Asked(web)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        services.progress.tell([JobChange(job_id=job.job_id, video_id=job.video_id) for job in jobs])
        time.sleep(0.01)
    assert 1 <= asked.count <= 2 / live.PAUSE + 2
    screen.close()


def test_without_redis_it_goes_on_slower_and_says_so(
    web: Services, database: Database, new_user: NewUser, networks: tuple[Network, Network]
) -> None:
    _, valkey = networks
    user = new_user()
    screen = Screen(web, user)
    valkey.cut()
    eventually(lambda: screen.source() == "slow", SOON, "the word of it")
    job = accept(database, user)
    eventually(shows(screen, job, job_state="queued"), live.DEAF_PAUSE + SOON, "a job that nobody could tell of")
    claim(database, lease(), QueueName.MEDIA)
    eventually(shows(screen, job, job_state="running"), live.DEAF_PAUSE + SOON)
    valkey.mend()
    eventually(lambda: screen.source() == "live", 10, "the word that it is over")
    screen.close()


def test_without_postgres_the_stream_stays_and_goes_on_by_itself(
    web: Services, services: Services, database: Database, new_user: NewUser, networks: tuple[Network, Network]
) -> None:
    postgres, _ = networks
    user = new_user()
    job = accept(database, user)
    screen = Screen(web, user)
    postgres.cut()
    claim(database, lease(), QueueName.MEDIA)
    services.progress.tell([told(job, StageName.PROBE, 0.0)])
    eventually(lambda: screen.source() == "away", 6, "the word of it")
    late = Screen(web, user)  # somebody comes meanwhile
    assert late.source() == "away"
    assert shows(late, job, job_state="queued")()
    postgres.mend()
    for each in (screen, late):
        eventually(lambda each=each: each.source() == "live", 6, "the word that it is over")  # type: ignore[misc]
        eventually(shows(each, job, job_state="running"), SOON)
        each.close()


def test_whoever_comes_while_postgres_is_away_is_shown_all_once_it_is_back(
    web: Services, database: Database, new_user: NewUser, networks: tuple[Network, Network]
) -> None:
    postgres, _ = networks
    user = new_user()
    job = accept(database, user)
    postgres.cut()
    screen = Screen(web, user)
    assert screen.source() == "away"
    assert screen.jobs() == {}
    postgres.mend()
    eventually(shows(screen, job, job_state="queued"), 6)
    assert screen.source() == "live"
    screen.close()


def test_an_end_that_nobody_told_of_is_found(
    web: Services,
    services: Services,
    database: Database,
    new_user: NewUser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "QUEUED_SILENCE", 1.0)
    user = new_user()
    job = accept(database, user)
    screen = Screen(web, user)
    monkeypatch.setattr(services.progress, "tell", lambda told: None)  # the message is lost
    services.operations.cancel(user, job.job_id)
    eventually(shows(screen, job, job_state="cancelled"), 3)
    screen.close()


def test_a_person_with_one_job_is_shown_it_behind_anothers_many(
    web: Services, database: Database, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_JOBS", 3)
    busy, quiet = new_user(), new_user()
    mine = accept(database, quiet)
    for _ in range(4):
        accept(database, busy)
    screen = Screen(web, quiet)
    assert list(screen.jobs()) == [str(mine.job_id)]
    screen.close()


def test_what_ended_long_ago_is_in_no_snapshot(
    web: Services, services: Services, database: Database, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user()
    job = accept(database, user)
    first = Screen(web, user)
    services.operations.cancel(user, job.job_id)
    eventually(shows(first, job, job_state="cancelled"), SOON)
    soon = Screen(web, user)
    assert str(job.job_id) in soon.jobs()
    monkeypatch.setattr(live, "ENDED_SECONDS", 0.0)
    late = Screen(web, user)
    assert late.jobs() == {}
    for screen in (first, soon, late):
        screen.close()


def test_many_who_come_while_postgres_is_away_do_not_wait_one_after_another(
    web: Services, new_user: NewUser, networks: tuple[Network, Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    find = web.live._find

    def counted(everything: bool, job_ids: object) -> object:
        asked.append(time.monotonic())
        return find(everything, job_ids)  # type: ignore[arg-type]

    monkeypatch.setattr(web.live, "_find", counted)
    postgres, _ = networks
    user = new_user()
    postgres.cut()
    started = time.monotonic()
    screens = [Screen(web, user) for _ in range(20)]
    took = time.monotonic() - started
    assert all(screen.source() == "away" for screen in screens)
    assert len(asked) <= 2 + took / live.DEAF_PAUSE * 2  # the first of them, and what the hub asks by itself
    for screen in screens:
        screen.close()


def test_whoever_was_away_is_told_of_the_end_of_what_they_name(
    web: Services, services: Services, database: Database, new_user: NewUser
) -> None:
    user = new_user()
    job = accept(database, user)
    services.operations.cancel(user, job.job_id)
    plain = Screen(web, user)
    assert plain.jobs() == {}
    naming = Screen(web, user, also=(job.job_id, uuid4()))
    assert shows(naming, job, job_state="cancelled")()
    plain.close()
    naming.close()


def test_what_nobody_signed_moves_nothing(
    web: Services, database: Database, new_user: NewUser, client: redis.Redis
) -> None:
    user = new_user()
    job = accept(database, user)
    screen = Screen(web, user)
    asked = Asked(web)
    body = json.dumps([[str(job.job_id), str(job.video_id), "probe", 99.0, "forged"]])
    for data in (body, f"0000.{body}", b"\xff\xfe", b"", "[" * 10_000):
        client.publish("backlot:progress", data)
    time.sleep(0.5)
    assert asked.count == 0
    assert len(screen.events()) == 1
    assert web.listener.hears()
    screen.close()
