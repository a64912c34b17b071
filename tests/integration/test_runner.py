"""The ai runner gives every slot back and every stage on, whatever a stage does and whenever it is stopped."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

from jobs.contract import StageContext, StageResult
from jobs.stages import analyze
from jobs.workers.runner import THREADS, Runner
from services.bootstrap import Services
from services.model import PLAN, JobKind, QueueName, StageName
from services.queue import StopCommand
from tests.integration.conftest import NewUser
from tests.integration.fleet import eventually
from tests.integration.work import accept, claim, clear_work, finish, lease, success
from tests.virtual_worker import OUTPUTS

Run = Callable[[StageContext], StageResult | Awaitable[StageResult]]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Puts a function in place of the stage analyze."""

    def put(run: Run) -> None:
        module = ModuleType(analyze.__name__)
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, analyze.__name__, module)

    return put


@pytest.fixture
def runner(services: Services) -> Iterator[Runner]:
    clear_work(services.database)
    runner = Runner(services, worker="tested", changed=lambda: None)
    yield runner
    runner.drain(1.0)


@pytest.fixture
def analyses(services: Services, new_user: NewUser) -> Callable[[int], list[Any]]:
    """Puts so many stages of analyze on the queue; their jobs."""

    def put(count: int) -> list[Any]:
        users = [new_user() for _ in range(max(1, count // 50))]
        videos = [accept(services.database, users[i % len(users)], kind=JobKind.TRANSCRIBE) for i in range(count)]
        held = lease("before")
        while claimed := claim(services.database, held, QueueName.MEDIA):
            finish(services.database, [success(one) for one in claimed])
        owner = {}
        with services.database.statement() as connection:
            for row in connection.execute(text("select id, user_id from videos")):
                owner[row.id] = row.user_id
        by_id = {user.id: user for user in users}
        return [
            accept(services.database, by_id[owner[v.video_id]], kind=JobKind.ANALYZE, video_id=v.video_id).job_id
            for v in videos
        ]

    return put


def states(services: Services) -> dict[str, int]:
    with services.database.statement() as connection:
        rows = connection.execute(text("select state, count(*) from stages where name = 'analyze' group by state"))
        return {row[0]: row[1] for row in rows}


def attempts(services: Services) -> dict[str | None, int]:
    with services.database.statement() as connection:
        rows = connection.execute(
            text(
                "select outcome, count(*) from attempts join stages on stages.id = stage_id"
                " where name = 'analyze' group by outcome"
            )
        )
        return {row[0]: row[1] for row in rows}


def test_a_drain_hands_back_also_what_waits_for_a_thread(
    services: Services, runner: Runner, stage: Callable[[Run], None], analyses: Callable[[int], list[Any]]
) -> None:
    def run(context: StageContext) -> StageResult:
        while True:
            context.report(1, "busy")
            time.sleep(0.05)

    stage(run)
    analyses(THREADS * 5)
    runner.nudge()
    eventually(lambda: states(services) == {"running": THREADS * 5}, 20)
    runner.drain(0.5)
    assert states(services) == {"ready": THREADS * 5}
    assert attempts(services) == {"released": THREADS * 5}


def test_a_stop_before_the_first_step_gives_the_slot_back(
    services: Services, runner: Runner, stage: Callable[[Run], None], analyses: Callable[[int], list[Any]]
) -> None:
    async def run(context: StageContext) -> StageResult:
        await asyncio.sleep(60)
        raise AssertionError

    stage(run)
    (job,) = analyses(1)
    runner._on_loop(time.sleep, 0.7)  # so that start and stop come in one turn of the loop
    runner.nudge()
    eventually(lambda: states(services) == {"running": 1}, 10)
    with services.database.statement() as connection:
        row = connection.execute(text("select id, token from stages where job_id = :id"), {"id": job}).one()
    runner.stop_attempt(StopCommand(stage_id=row.id, token=row.token))
    eventually(runner.is_idle, 5, "the free slot")


@pytest.mark.parametrize("way", ["exit", "plain exit", "cancel", "missing", "unforeseen"])
def test_whatever_a_stage_raises_is_recorded_and_ends_nobody_else(  # noqa: PLR0917 - fixtures
    services: Services,
    runner: Runner,
    stage: Callable[[Run], None],
    analyses: Callable[[int], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    async def run(context: StageContext) -> StageResult:
        if way == "exit":
            sys.exit(3)
        if way == "cancel":
            raise asyncio.CancelledError
        raise ZeroDivisionError

    def plain(context: StageContext) -> StageResult:
        sys.exit(3)

    stage(plain if way == "plain exit" else run)
    if way == "missing":
        monkeypatch.setitem(sys.modules, analyze.__name__, None)
    analyses(1)
    runner.nudge()
    eventually(lambda: attempts(services).get("retried") == 1, 10, "its record")
    eventually(runner.is_idle, 5)

    async def works(context: StageContext) -> StageResult:
        return StageResult(output=OUTPUTS[StageName.ANALYZE])

    stage(works)
    with services.database.transaction() as connection:
        connection.execute(text("update stages set available_at = now() where state = 'ready'"))
    runner.nudge()
    eventually(lambda: states(services) == {"succeeded": 1}, 10, "the next attempt")


def test_the_clock_of_a_plain_stage_starts_when_it_does(
    services: Services,
    runner: Runner,
    stage: Callable[[Run], None],
    analyses: Callable[[int], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = dict(PLAN)
    plan[StageName.ANALYZE] = replace(plan[StageName.ANALYZE], timeout=1.0)
    monkeypatch.setattr("jobs.workers.runner.PLAN", plan)
    begun = threading.Semaphore(0)

    def run(context: StageContext) -> StageResult:
        begun.release()
        for _ in range(7):
            context.report(1, "busy")
            time.sleep(0.1)
        return StageResult(output=OUTPUTS[StageName.ANALYZE])

    stage(run)
    analyses(THREADS * 3)
    runner.nudge()
    eventually(lambda: states(services) == {"succeeded": THREADS * 3}, 30)
