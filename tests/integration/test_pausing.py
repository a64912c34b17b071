"""A paused queue stays paused wherever and whenever somebody looks, and goes on when it is resumed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from rq.suspension import suspend
from sqlalchemy import text

from services.bootstrap import Services, build
from services.database import Database
from services.errors import BadInput, IllegalMove, NotAllowed
from services.model import JobState, QueueName, Role, StageName, StageState, User
from services.records.queues import QueueRow
from tests.integration.conftest import NewUser
from tests.integration.fleet import Fleet, eventually
from tests.integration.work import accept, claim, clear_work, finish, lease, success

LONG_ENOUGH = 2.5  # seconds in which the fleet, which sweeps each second, would have started something
OPERATOR = User(id=0, name="whoever looks", role=Role.OPERATOR, must_change_password=False)


@pytest.fixture
def no_work(database: Database) -> Iterator[None]:
    clear_work(database)
    yield
    clear_work(database)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def queue(services: Services, name: QueueName) -> QueueRow:
    return next(row for row in services.operations.queues(OPERATOR) if row.name is name)


@pytest.mark.usefixtures("no_work")
def test_nothing_new_is_claimed_and_what_runs_may_finish(
    services: Services, database: Database, new_user: NewUser, client: redis.Redis
) -> None:
    operator = new_user(Role.OPERATOR)
    first = accept(database, new_user())
    held = lease()
    (running,) = claim(database, held, QueueName.MEDIA)
    services.operations.pause(operator, QueueName.MEDIA, reason=" a disk\nis swapped ")
    accept(database, new_user())
    assert claim(database, held, QueueName.MEDIA) == ()
    row = queue(services, QueueName.MEDIA)
    assert (row.ready, row.running) == (1, 1)
    assert row.pause is not None
    assert (row.pause.by, row.pause.reason) == (operator.name, "a disk is swapped")
    assert row.pause.since is not None
    assert abs(row.pause.since - datetime.now(UTC)) < timedelta(minutes=1)
    assert queue(services, QueueName.AI).pause is None
    assert services.operations.pauses(OPERATOR) == (row.pause,)

    assert finish(database, [success(running)]).stage_ids == {running.stage_id}
    assert claim(database, held, QueueName.MEDIA) == ()
    client.delete("rq:queue:media")
    assert services.operations.resume(operator, QueueName.MEDIA)
    assert client.lrange("rq:queue:media", 0, -1) == [b"wake-media"]
    assert services.operations.pauses(OPERATOR) == ()
    assert {claimed.name for claimed in claim(database, held, QueueName.MEDIA) if claimed.job_id == first.job_id} == {
        StageName.TRANSCRIBE,
        StageName.THUMBNAILS,
    }


@pytest.mark.usefixtures("no_work")
def test_both_are_on_record(services: Services, database: Database, new_user: NewUser) -> None:
    admin = new_user(Role.ADMIN)
    services.operations.pause(admin, QueueName.AI, reason="the bill")
    services.operations.resume(admin, QueueName.AI, reason="it is paid")
    services.operations.pause(admin, QueueName.AI, reason="again")
    assert [pause.reason for pause in services.operations.pauses(OPERATOR)] == ["again"]
    with database.statement() as connection:
        told = connection.execute(text("select action, actor, reason, details from events order by id")).all()
    assert [tuple(row) for row in told] == [
        ("queue paused", f"user:{admin.id}", "the bill", {"queue": "ai"}),
        ("queue resumed", f"user:{admin.id}", "it is paid", {"queue": "ai"}),
        ("queue paused", f"user:{admin.id}", "again", {"queue": "ai"}),
    ]


@pytest.mark.usefixtures("no_work")
def test_not_everybody_may_and_not_without_a_reason(services: Services, database: Database, new_user: NewUser) -> None:
    operator = new_user(Role.OPERATOR)
    for role in (Role.CREATOR, Role.ANALYST):
        with pytest.raises(NotAllowed):
            services.operations.pause(new_user(role), QueueName.MEDIA, reason="why not")
    with pytest.raises(BadInput, match="why"):
        services.operations.pause(operator, QueueName.MEDIA, reason=" \n ")
    with pytest.raises(IllegalMove, match="is not paused"):
        services.operations.resume(operator, QueueName.MEDIA)
    assert services.operations.pauses(OPERATOR) == ()
    services.operations.pause(operator, QueueName.MEDIA, reason="a disk is swapped")
    with pytest.raises(IllegalMove, match="paused already"):
        services.operations.pause(operator, QueueName.MEDIA, reason="another reason")
    for role in (Role.CREATOR, Role.ANALYST):
        with pytest.raises(NotAllowed):
            services.operations.resume(new_user(role), QueueName.MEDIA)
    assert [pause.reason for pause in services.operations.pauses(OPERATOR)] == ["a disk is swapped"]
    with database.statement() as connection:
        assert connection.execute(text("select count(*) from events")).scalar_one() == 1


@pytest.mark.usefixtures("no_work")
def test_a_pause_that_nobody_recorded_is_one_all_the_same(services: Services, database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("update queues set paused = true where name = 'ai'"))
    (pause,) = services.operations.pauses(OPERATOR)
    assert (pause.queue, pause.since, pause.by) == (QueueName.AI, None, "somebody")


@pytest.mark.usefixtures("no_work")
def test_resuming_without_redis_says_so_and_leaves_the_ringing_to_the_sweeper(
    services: Services, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = new_user(Role.OPERATOR)
    services.operations.pause(operator, QueueName.MEDIA, reason="a disk is swapped")
    deaf = build(services.settings, client=redis.Redis(port=1, socket_connect_timeout=0.1, retry=None))
    armed: list[bool] = []
    monkeypatch.setattr(deaf.sweeper, "arm", lambda: armed.append(bool(deaf.operations.pauses(OPERATOR))))
    assert deaf.operations.resume(operator, QueueName.MEDIA) is False
    deaf.close()
    assert armed == [False]  # once the queue goes on, or a sweep would find nothing to ring for
    assert services.operations.pauses(OPERATOR) == ()


def test_a_pause_outlives_workers_and_redis(fleet: Fleet) -> None:
    worker = fleet.start("media")
    fleet.start("ai")
    running = fleet.submit("probe=sleep:2")
    eventually(lambda: fleet.stage(running) is StageState.RUNNING, 15)
    fleet.services.operations.pause(fleet.user, QueueName.MEDIA, reason="a disk is swapped")
    waiting = fleet.submit("sleep:0")
    eventually(lambda: fleet.stage(running) is StageState.SUCCEEDED, 10, "the end of what ran already")

    worker.kill()
    worker.wait()
    redis.Redis.from_url(fleet.valkey.url).flushall()
    fleet.start("media")
    restarted = build(fleet.settings)  # as another web process would be
    try:
        restarted.sweeper.arm()
        time.sleep(LONG_ENOUGH)
        assert fleet.stage(running, StageName.TRANSCRIBE) is StageState.READY
        assert fleet.stage(waiting) is StageState.READY
        assert queue(restarted, QueueName.MEDIA).running == 0
        restarted.operations.resume(fleet.user, QueueName.MEDIA)
    finally:
        restarted.close()
    eventually(lambda: {fleet.state(running), fleet.state(waiting)} == {JobState.SUCCEEDED}, 30)


def test_rq_suspend_changes_nothing(fleet: Fleet) -> None:
    suspend(redis.Redis.from_url(fleet.valkey.url))
    fleet.start("media")
    fleet.start("ai")
    job = fleet.submit("sleep:0")
    eventually(lambda: fleet.state(job) is JobState.SUCCEEDED, 30)
