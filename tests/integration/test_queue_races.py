"""Many connections at the same moment, many times: what one row's lock too few would break."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

from sqlalchemy import text

from services.database import Database
from services.model import QueueName, StageName
from services.records import jobs
from services.records.stages import Claim
from tests.integration.conftest import NewUser
from tests.integration.work import accept, claim, clear_work, finish, lease, success
from tests.invariants import violations

SKIPS = dict.fromkeys((StageName.ANALYZE, StageName.CLIPS, StageName.POSTS), "not here")


def test_eight_claimers_never_pass_the_cap_nor_claim_twice(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    for user in (new_user(), new_user()):
        for _ in range(40):
            accept(database, user)
    start = Barrier(8)

    def claimer(number: int) -> list[Claim]:
        held = lease(f"claimer-{number}")
        start.wait()
        return [claimed for _ in range(3) for claimed in claim(database, held, QueueName.MEDIA, limit=6, cap=10)]

    with ThreadPoolExecutor(8) as pool:
        claims = [claimed for batch in pool.map(claimer, range(8)) for claimed in batch]
    assert len({claimed.stage_id for claimed in claims}) == len(claims) == 20
    with database.statement() as connection:
        running = connection.execute(
            text("select count(*) from stages where state = 'running' group by user_id")
        ).scalars()
        assert list(running) == [10, 10]


def test_no_claimer_comes_back_empty_while_there_is_work(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    user = new_user()
    for _ in range(16):
        accept(database, user)
    start = Barrier(8)

    def claimer(number: int) -> int:
        start.wait()
        return len(claim(database, lease(f"claimer-{number}"), QueueName.MEDIA, limit=2, cap=100))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(claimer, range(8))) == [2] * 8


def both_at_once(database: Database, first: Claim, second: Claim) -> None:
    start = Barrier(2)

    def end(claimed: Claim) -> None:
        start.wait()
        finish(database, [success(claimed)])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(end, (first, second)))


def two_left(database: Database, new_user: NewUser) -> tuple[UUID, list[Claim]]:
    """A job of which transcribe and thumbnails run, and nothing else is left."""
    job_id = accept(database, new_user()).job_id
    held = lease()
    finish(database, [success(claim(database, held, QueueName.MEDIA)[0], skips=SKIPS)])
    return job_id, list(claim(database, held, QueueName.MEDIA))


def test_the_last_two_stages_end_at_the_same_moment(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    for _ in range(40):
        job_id, claims = two_left(database, new_user)
        assert len(claims) == 2
        both_at_once(database, *claims)
        with database.transaction() as connection:
            job = jobs.find(connection, job_id)
            assert job is not None
            assert job.state == "succeeded"
    with database.transaction() as connection:
        assert violations(connection) == {}


def test_a_finish_meets_a_cancel(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    for _ in range(40):
        job_id, claims = two_left(database, new_user)
        start = Barrier(2)

        def end(claims: list[Claim] = claims, start: Barrier = start) -> frozenset[int]:
            start.wait()
            return finish(database, [success(claimed) for claimed in claims]).stage_ids

        def cancel(job_id: UUID = job_id, start: Barrier = start) -> bool:
            start.wait()
            with database.transaction() as connection:
                return jobs.cancel(connection, job_id, actor="test", reason="stop") is not None

        with ThreadPoolExecutor(2) as pool:
            ended, cancelled = pool.submit(end), pool.submit(cancel)
        assert (len(ended.result()) == 2) != cancelled.result()
    with database.transaction() as connection:
        assert violations(connection) == {}


def test_a_newcomer_is_served_before_the_hundredth_job_of_another(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    busy, newcomer = new_user(), new_user()
    for _ in range(100):
        accept(database, busy)
    held = lease()
    claim(database, held, QueueName.MEDIA, limit=3)
    late = accept(database, newcomer)
    served = claim(database, held, QueueName.MEDIA, limit=5)
    assert late.job_id in {claimed.job_id for claimed in served}


def test_a_paused_queue_gives_nothing(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    accept(database, new_user())
    with database.transaction() as connection:
        connection.execute(text("update queues set paused = true where name = 'media'"))
    assert claim(database, lease(), QueueName.MEDIA) == ()
    with database.transaction() as connection:
        connection.execute(text("update queues set paused = false"))
    assert len(claim(database, lease(), QueueName.MEDIA)) == 1
