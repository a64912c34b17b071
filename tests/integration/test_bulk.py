"""What a person waits for runs before bulk work, also where the bulk came first."""

from __future__ import annotations

import redis
from sqlalchemy import text

from services.bootstrap import Services
from services.database import Database
from services.model import JobKind, Priority, QueueName, User
from tests.integration.conftest import NewUser
from tests.integration.work import accept, claim, clear_work, lease


def bulk(database: Database, user: User, count: int) -> None:
    for _ in range(count):
        accept(database, user, priority=Priority.BULK)


def test_an_interactive_job_is_claimed_before_fifty_bulk_ones(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    user = new_user()
    bulk(database, user, 50)
    urgent = accept(database, user, priority=Priority.INTERACTIVE)
    (first,) = claim(database, lease(), QueueName.MEDIA, limit=1)
    assert first.job_id == urgent.job_id


def test_also_before_the_bulk_of_somebody_who_has_had_nothing_yet(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    waiting, other = new_user(), new_user()
    held = lease()
    accept(database, other, priority=Priority.INTERACTIVE)
    assert len(claim(database, held, QueueName.MEDIA, limit=1)) == 1
    bulk(database, waiting, 50)
    urgent = accept(database, other, priority=Priority.INTERACTIVE)
    first, second = claim(database, held, QueueName.MEDIA, limit=2)
    assert (first.job_id, second.job_id != urgent.job_id) == (urgent.job_id, True)


def test_a_job_keeps_the_priority_it_was_submitted_with(
    services: Services, database: Database, new_user: NewUser, client: redis.Redis
) -> None:
    user = new_user()
    film = services.settings.home / "film.mp4"
    film.write_bytes(b"0123456789")
    many = services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE, priority=Priority.BULK)
    one = services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)
    services.operations.cancel(user, many.job_id)
    services.operations.retry(user, many.job_id)
    with database.statement() as connection:
        found = connection.execute(
            text(
                "select job_id, array_agg(distinct priority) as priorities from stages"
                " where job_id = any (:jobs) group by job_id"
            ),
            {"jobs": [many.job_id, one.job_id]},
        )
        priorities = {row.job_id: row.priorities for row in found}
    assert priorities == {many.job_id: [Priority.BULK], one.job_id: [Priority.INTERACTIVE]}
