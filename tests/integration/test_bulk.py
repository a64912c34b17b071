"""What a person waits for runs before bulk work, also where the bulk came first."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import redis
from sqlalchemy import text

from services.bootstrap import Services
from services.database import Database
from services.errors import NotFound
from services.model import JobKind, Priority, QueueName, Role, User
from services.operations import BATCH
from tests.films import film_of
from tests.integration.conftest import NewUser
from tests.integration.work import accept, claim, clear_work, finish, lease, success
from tests.invariants import violations


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
    film.write_bytes(film_of(b"0123456789"))
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


def test_many_at_once_are_bulk_and_the_refused_hold_up_nobody(
    services: Services, database: Database, new_user: NewUser
) -> None:
    clear_work(database)
    user, stranger = new_user(), new_user()
    own = [accept(database, user).video_id for _ in range(BATCH + 20)]
    foreign, unknown = accept(database, stranger).video_id, uuid4()
    answers = services.operations.submit_many(user, [unknown, *own, foreign, own[0]], JobKind.THUMBNAILS)
    assert isinstance(answers[unknown], NotFound)
    assert isinstance(answers[foreign], NotFound)
    with database.statement() as connection:
        found = connection.execute(
            text("select id, video_id, priority, kind from jobs where kind = 'thumbnails'")
        ).all()
    assert {row.video_id: row.id for row in found} == {video_id: answers[video_id] for video_id in own}
    assert {row.priority for row in found} == {Priority.BULK}
    with database.transaction() as connection:
        assert violations(connection) == {}


def test_bulk_meets_bulk_and_those_who_finish(database: Database, services: Services, new_user: NewUser) -> None:
    """Whoever locks users or videos in an order of their own deadlocks here."""
    clear_work(database)
    users = [new_user() for _ in range(4)]
    operator = new_user(Role.OPERATOR)
    ids = [accept(database, user).video_id for user in users * 10]
    errors: list[Exception] = []

    def resubmit(order: list[UUID]) -> None:
        for _ in range(5):
            services.operations.submit_many(operator, order, JobKind.THUMBNAILS)

    def work() -> None:
        held = lease(f"worker-{threading.get_ident()}")
        for _ in range(40):
            finish(database, [success(one) for one in claim(database, held, QueueName.MEDIA, limit=16)])

    def run(what: Callable[[], None]) -> None:
        try:
            what()
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    orders = [ids, ids[::-1], ids[7:] + ids[:7]]
    threads = [
        threading.Thread(target=run, args=(what,))
        for what in (*(functools.partial(resubmit, order) for order in orders), work, work)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with database.transaction() as connection:
        assert violations(connection) == {}
