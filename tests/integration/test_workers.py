"""Real workers: what they run, what they survive, and what they stop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
import redis
from rq.worker import Worker
from sqlalchemy import text

from services.bootstrap import build
from services.embedded import start_postgres, start_valkey
from services.model import JobState, StageName, StageState
from tests.integration.fleet import LEASE, Fleet, children, eventually


@pytest.fixture(scope="module")
def module_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path_factory.mktemp("fleet"))
    yield fleet
    fleet.stop()


@pytest.fixture
def fleet(module_fleet: Fleet) -> Iterator[Fleet]:
    yield module_fleet
    for worker in module_fleet.workers:
        worker.kill()
        worker.wait()
    module_fleet.workers.clear()


def test_a_pipeline_runs_through_both_workers(fleet: Fleet) -> None:
    fleet.start("media")
    fleet.start("ai")
    jobs = [fleet.submit("sleep:0.01") for _ in range(3)]
    eventually(lambda: all(fleet.state(job) is JobState.SUCCEEDED for job in jobs), 30)
    assert fleet.outcomes(jobs[0]) == ["succeeded"] * 6
    client = redis.Redis.from_url(fleet.valkey.url)
    eventually(lambda: {worker.get_state() for worker in Worker.all(connection=client) if worker.name} == {"idle"}, 10)
    assert client.llen("rq:queue:media") == client.llen("rq:queue:ai") == 0


def test_a_killed_worker_takes_its_child_along_and_loses_nothing(fleet: Fleet) -> None:
    doomed = fleet.start("media")
    job = fleet.submit("probe=stubborn")
    eventually(lambda: len(children(doomed)) >= 2, 15, "the child and its own child")
    family = children(doomed)
    doomed.kill()
    eventually(lambda: not any(process.is_running() and process.status() != "zombie" for process in family), 2)
    with fleet.services.database.transaction() as connection:
        connection.execute(text("update videos set title = 'sleep:0'"))
    fleet.start("media")
    fleet.start("ai")
    eventually(lambda: fleet.state(job) is JobState.SUCCEEDED, 30)
    assert fleet.outcomes(job) == ["lost"] + ["succeeded"] * 6


def test_cancel_kills_the_process_group(fleet: Fleet) -> None:
    worker = fleet.start("media")
    job = fleet.submit("stubborn")
    eventually(lambda: len(children(worker)) >= 2, 15)
    fleet.services.operations.cancel(fleet.user, job)
    seconds = eventually(lambda: not children(worker), 2, "the end of the process group")
    assert seconds < 1
    time.sleep(1)
    assert fleet.state(job) is JobState.CANCELLED
    assert fleet.outcomes(job) == ["cancelled"]
    fleet.start("ai")
    next_job = fleet.submit("sleep:0")
    eventually(lambda: fleet.state(next_job) is JobState.SUCCEEDED, 20)


def test_cancel_without_redis_is_told_by_the_beat(fleet: Fleet) -> None:
    worker = fleet.start("media")
    job = fleet.submit("stubborn")
    eventually(lambda: len(children(worker)) >= 2, 15)
    nobody = redis.Redis(port=1, socket_connect_timeout=0.1, retry=None)
    deaf = build(fleet.settings, client=nobody)
    deaf.operations.cancel(fleet.user, job)
    deaf.close()
    eventually(lambda: not children(worker), 2, "the end of the process group")


def test_cancel_ends_a_running_ai_stage(fleet: Fleet) -> None:
    fleet.start("media")
    fleet.start("ai")
    job = fleet.submit("analyze=sleep:60")
    eventually(lambda: fleet.stage(job, StageName.ANALYZE) is StageState.RUNNING, 20)
    fleet.services.operations.cancel(fleet.user, job)
    assert fleet.state(job) is JobState.CANCELLED
    other = fleet.submit("sleep:0")
    eventually(lambda: fleet.state(other) is JobState.SUCCEEDED, 20)
    assert fleet.stage(job, StageName.ANALYZE) is StageState.CANCELLED


def test_two_deaths_are_poison(fleet: Fleet) -> None:
    fleet.start("media")
    job = fleet.submit("crash")
    eventually(lambda: fleet.state(job) is JobState.FAILED, 20)
    assert fleet.outcomes(job) == ["lost", "lost"]
    fleet.services.operations.retry(fleet.user, job)
    eventually(lambda: fleet.outcomes(job) == ["lost"] * 4, 20)


def test_too_much_memory_is_refused_plainly(fleet: Fleet) -> None:
    fleet.start("media", BACKLOT_WORKER_MEMORY_LIMIT=str(250 * 2**20))
    job = fleet.submit("memory")
    eventually(lambda: fleet.state(job) is JobState.FAILED, 15)
    assert "memory" in fleet.services.operations.job(fleet.user, job).message


def test_errors_are_told_apart(fleet: Fleet) -> None:
    fleet.start("media")
    permanent, transient = fleet.submit("permanent"), fleet.submit("transient")
    eventually(lambda: fleet.state(permanent) is JobState.FAILED, 15)
    assert fleet.services.operations.job(fleet.user, permanent).message == "This cannot work."
    eventually(lambda: "retried" in fleet.outcomes(transient), 15)
    assert fleet.state(transient) is JobState.RUNNING
    fleet.services.operations.cancel(fleet.user, transient)


@pytest.mark.parametrize("kind", ["media", "ai"])
def test_a_stopped_worker_hands_its_stage_back(fleet: Fleet, kind: str) -> None:
    first = fleet.start("media")
    ai = fleet.start("ai")
    stage = StageName.PROBE if kind == "media" else StageName.ANALYZE
    job = fleet.submit(f"{stage}=sleep:60")
    eventually(lambda: fleet.stage(job, stage) is StageState.RUNNING, 20)
    stopped = first if kind == "media" else ai
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(10) == 0
    assert fleet.stage(job, stage) is StageState.READY
    assert "released" in fleet.outcomes(job)
    with fleet.services.database.transaction() as connection:
        tries = connection.execute(
            text("select tries from stages where job_id = :id and name = :name"), {"id": job, "name": stage}
        ).scalar_one()
    assert tries == 0
    fleet.services.operations.cancel(fleet.user, job)


def test_a_paused_worker_finishes_nothing_that_was_taken_away(fleet: Fleet) -> None:
    paused = fleet.start("media")
    job = fleet.submit(f"probe=sleep:{LEASE + 3}")
    eventually(lambda: fleet.stage(job) is StageState.RUNNING, 15)
    os.killpg(paused.pid, signal.SIGSTOP)
    fleet.start("media")
    fleet.start("ai")
    eventually(lambda: fleet.outcomes(job)[:1] == ["lost"], LEASE + 5)
    os.killpg(paused.pid, signal.SIGCONT)
    eventually(lambda: fleet.state(job) is JobState.SUCCEEDED, 40)
    assert fleet.outcomes(job) == ["released"] + ["succeeded"] * 6  # it came back: it was no death


def test_redis_killed_and_back_empty(fleet: Fleet) -> None:
    fleet.start("media")
    fleet.start("ai")
    running = fleet.submit("probe=sleep:2")
    eventually(lambda: fleet.stage(running) is StageState.RUNNING, 15)
    assert fleet.valkey.process is not None
    redis.Redis.from_url(fleet.valkey.url).flushall()
    os.kill(fleet.valkey.process.pid, signal.SIGKILL)
    fleet.valkey.process.wait()
    while_down = fleet.submit("sleep:0")
    fleet.valkey = start_valkey(fleet.folder / "valkey")
    for job in (running, while_down):
        eventually(lambda job=job: fleet.state(job) is JobState.SUCCEEDED, 40)  # type: ignore[misc]


def test_postgres_killed_in_the_middle(fleet: Fleet) -> None:
    fleet.start("media")
    fleet.start("ai")
    job = fleet.submit("probe=sleep:2")
    eventually(lambda: fleet.stage(job) is StageState.RUNNING, 15)
    assert fleet.postgres.process is not None
    os.kill(fleet.postgres.process.pid, signal.SIGKILL)
    fleet.postgres.process.wait()
    time.sleep(1)
    fleet.postgres = start_postgres(fleet.folder / "postgres")
    eventually(lambda: fleet.state(job) is JobState.SUCCEEDED, 40)
