"""A job that ends leaves one message for each person whom it concerns, in the transaction that ends it."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from services.bootstrap import Services
from services.database import Database
from services.model import JobKind, JobState, QueueName, Role, User
from services.records import stages
from services.records.stages import Finish, Outcome
from tests.integration.conftest import NewUser
from tests.integration.work import accept, claim, clear_work, finish, lapse, lease, success


@pytest.fixture(autouse=True)
def no_other_work(database: Database) -> None:
    clear_work(database)
    with database.transaction() as connection:
        connection.execute(text("truncate notifications"))


def run(database: Database, outcome: Outcome = Outcome.SUCCEEDED) -> None:
    """Claim and finish all that is ready, until nothing is."""
    held = lease()
    while True:
        claimed = [*claim(database, held, QueueName.MEDIA), *claim(database, held, QueueName.AI)]
        if not claimed:
            return
        finish(database, [ended(one.stage_id, one.token, outcome) for one in claimed])


def ended(stage_id: int, token: int, outcome: Outcome) -> Finish:
    failed = outcome is Outcome.FAILED
    return Finish(
        stage_id=stage_id,
        token=token,
        outcome=outcome,
        reason="The file has no sound." if failed else None,
        data=None if failed else {"clips": [1, 2, 3], "posts": [1, 2]},
    )


def told(database: Database) -> list[tuple[int, UUID, str]]:
    with database.transaction() as connection:
        rows = connection.execute(text("select user_id, job_id, kind from notifications order by id"))
        return [tuple(row) for row in rows]


def test_one_for_each_end_and_again_after_a_retry(database: Database, services: Services, new_user: NewUser) -> None:
    ana = new_user()
    accepted = accept(database, ana, kind=JobKind.TRANSCRIBE)
    run(database, Outcome.FAILED)
    assert told(database) == [(ana.id, accepted.job_id, "job failed")]
    (row,) = services.notifications.inbox(ana).rows
    assert (row.video_id, row.title, row.outcome) == (accepted.video_id, "t", JobState.FAILED)
    assert row.reason == "The file has no sound."
    services.operations.retry(ana, accepted.job_id)
    run(database)
    assert told(database)[1:] == [(ana.id, accepted.job_id, "job succeeded")]
    newest = services.notifications.inbox(ana).rows[0]
    assert (newest.outcome, newest.reason) == (JobState.SUCCEEDED, None)


def test_what_was_made_is_counted(database: Database, services: Services, new_user: NewUser) -> None:
    ana = new_user()
    accept(database, ana)
    run(database)
    (row,) = services.notifications.inbox(ana).rows
    assert (row.clips, row.posts, row.kind) == (3, 2, JobKind.PIPELINE)


def test_who_submitted_it_hears_too(database: Database, services: Services, new_user: NewUser) -> None:
    owner, operator = new_user(), new_user(Role.OPERATOR)
    accepted = accept(database, owner, kind=JobKind.TRANSCRIBE)
    run(database)
    job_id = services.operations.submit(operator, accepted.video_id, JobKind.THUMBNAILS)
    run(database)
    assert sorted(told(database)[1:]) == sorted((user.id, job_id, "job succeeded") for user in (owner, operator))
    own = services.operations.submit(owner, accepted.video_id, JobKind.THUMBNAILS)
    run(database)
    assert told(database)[3:] == [(owner.id, own, "job succeeded")]


def test_a_cancel_tells_nobody(database: Database, services: Services, new_user: NewUser) -> None:
    ana = new_user()
    accepted = accept(database, ana)
    services.operations.cancel(ana, accepted.job_id)
    assert told(database) == []


def test_a_worker_that_dies_for_good_is_told(database: Database, services: Services, new_user: NewUser) -> None:
    accept(database, new_user(), kind=JobKind.TRANSCRIBE)
    for _ in range(2):
        held = lease()
        assert claim(database, held, QueueName.MEDIA)
        lapse(database, held)
        services.sweeper.sweep()
    assert [kind for _, _, kind in told(database)] == ["job failed"]


def test_it_stands_and_falls_with_the_end(database: Database, new_user: NewUser) -> None:
    """A transaction that is rolled back leaves neither."""
    accepted = accept(database, new_user(), kind=JobKind.TRANSCRIBE)
    held = lease()
    while True:
        (one,) = claim(database, held, QueueName.MEDIA)
        if database_name(database, one.stage_id) == "transcribe":
            break
        finish(database, [success(one)])
    item = ended(one.stage_id, one.token, Outcome.SUCCEEDED)
    with database.engine.connect() as connection:
        stages.finish_many(connection, "worker", [item])
        assert connection.execute(text("select count(*) from notifications")).scalar_one() == 1
        connection.rollback()
    assert told(database) == []
    finish(database, [item])
    finish(database, [item])  # an answer that was lost is asked for again
    assert [job for _, job, _ in told(database)] == [accepted.job_id]


def database_name(database: Database, stage_id: int) -> str:
    with database.transaction() as connection:
        return str(connection.execute(text("select name from stages where id = :id"), {"id": stage_id}).scalar_one())


@pytest.fixture
def two(database: Database, new_user: NewUser) -> tuple[User, User]:
    """Two people with three messages each."""
    ana, bo = new_user(), new_user()
    for user in (ana, bo) * 3:
        accept(database, user, kind=JobKind.TRANSCRIBE)
    run(database)
    return ana, bo


def test_each_reads_their_own(services: Services, two: tuple[User, User]) -> None:
    ana, bo = two
    inbox = services.notifications.inbox(ana)
    assert inbox.unread == len(inbox.rows) == 3
    others = [row.id for row in services.notifications.inbox(bo).rows]
    assert not {row.id for row in inbox.rows} & set(others)
    assert services.notifications.mark_read(ana, others) == 3
    assert services.notifications.inbox(bo).unread == 3
    assert services.notifications.mark_read(ana, [inbox.rows[1].id]) == 2
    assert [row.read for row in services.notifications.inbox(ana).rows] == [False, True, False]
    assert services.notifications.mark_read(ana, None) == 0
    assert services.notifications.inbox(bo).unread == 3


def test_the_newest_come_first(services: Services, two: tuple[User, User]) -> None:
    ana = two[0]
    ids = [row.id for row in services.notifications.inbox(ana).rows]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)
    assert [row.id for row in services.notifications.inbox(ana, limit=2).rows] == ids[:2]


def test_what_is_old_goes_whether_it_was_read_or_not(
    database: Database, services: Services, two: tuple[User, User]
) -> None:
    ana, bo = two
    services.notifications.mark_read(ana, None)
    kept = services.notifications.inbox(bo).rows[0]
    with database.transaction() as connection:
        connection.execute(
            text("update notifications set at = now() - make_interval(days => case id when :kept then 89 else 91 end)"),
            {"kept": kept.id},
        )
    services.sweeper.sweep_files()
    assert services.notifications.inbox(ana).rows == ()
    assert [row.id for row in services.notifications.inbox(bo).rows] == [kept.id]
    assert services.notifications.inbox(bo).unread == 1


def test_nobody_is_told_of_what_they_may_no_longer_see(
    database: Database, services: Services, new_user: NewUser
) -> None:
    operator = new_user(Role.OPERATOR)
    accepted = accept(database, new_user(), kind=JobKind.TRANSCRIBE)
    run(database)
    services.operations.submit(operator, accepted.video_id, JobKind.THUMBNAILS)
    run(database)
    assert len(services.notifications.inbox(operator).rows) == 1
    as_creator = User(id=operator.id, name=operator.name, role=Role.CREATOR, must_change_password=False)
    inbox = services.notifications.inbox(as_creator)
    assert (inbox.rows, inbox.unread) == ((), 0)
    assert services.notifications.mark_read(as_creator, []) == 0
    assert services.notifications.inbox(operator).unread == 1


def test_many_at_once_are_told_without_reading_tables_whole(database: Database, new_user: NewUser) -> None:
    """Each looks up its own job's first event: hundreds of jobs that end together read nothing else for it."""
    people = [new_user() for _ in range(10)]
    for number in range(200):
        accept(database, people[number % 10], kind=JobKind.TRANSCRIBE)
    held = lease()
    finish(database, [success(one) for one in claim(database, held, QueueName.MEDIA, limit=200)])
    with database.statement() as connection:
        connection.execute(text("analyze events"))
    last = [success(one) for one in claim(database, held, QueueName.MEDIA, limit=200)]
    with database.engine.connect() as connection:
        stages.finish_many(connection, "worker", last)
        told_of, events_read = connection.execute(
            text(
                "select (select count(*) from notifications),"
                " (select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'events')"
            )
        ).one()
        connection.rollback()
    assert told_of == 200
    assert events_read <= 2 * told_of
