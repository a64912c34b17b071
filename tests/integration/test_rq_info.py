"""RQ's own command line tells the truth about queues and workers, also after Redis was emptied or workers died."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from rq.worker import WorkerStatus

from jobs.workers import bell
from jobs.workers.media import MediaWorker
from services.bootstrap import Services
from services.model import JobState
from tests.integration.acting_fleet import ActingFleet
from tests.integration.fleet import eventually

TELLS_WITHIN = 10.0  # seconds: up to two, and what starts of the command take on a busy machine
WORKER = re.compile(r"^worker (?P<name>\S+) \(\S+ \S+ (?P<pid>\d+)\) (?P<state>\S+) (?P<queues>.+)\. jobs:", re.M)
QUEUE = re.compile(r"^queue (?P<name>\S+) (?P<count>\d+), ", re.M)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[ActingFleet]:
    fleet = ActingFleet(tmp_path)
    yield fleet
    fleet.stop()


def rq_info(fleet: ActingFleet, *options: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).with_name("rq"), "info", "--url", fleet.valkey.url, *options],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def shown_workers(fleet: ActingFleet) -> dict[int, tuple[str, str]]:
    """State and queue by process id."""
    shown = rq_info(fleet, "--raw", "-W")
    assert not QUEUE.findall(shown)
    return {int(row["pid"]): (row["state"], row["queues"]) for row in WORKER.finditer(shown)}


def shown_queues(fleet: ActingFleet) -> dict[str, int]:
    """How many wakes wait, by queue."""
    shown = rq_info(fleet, "--raw", "-Q")
    assert not WORKER.findall(shown)
    return {row["name"]: int(row["count"]) for row in QUEUE.finditer(shown)}


def shows(fleet: ActingFleet, workers: dict[subprocess.Popen[bytes], tuple[str, str]], within: float) -> None:
    wanted = {worker.pid: told for worker, told in workers.items()}
    eventually(lambda: shown_workers(fleet) == wanted, within, f"{wanted} in rq info")


def test_it_shows_who_there_is_and_what_they_do(fleet: ActingFleet) -> None:
    media, second, ai = fleet.start("media"), fleet.start("media"), fleet.start("ai")
    idle = {media: ("idle", "media"), second: ("idle", "media"), ai: ("idle", "ai")}
    shows(fleet, idle, 15)

    job = fleet.submit("probe=until:probed analyze=until:analyzed")
    eventually(lambda: len(fleet.running()) == 1, 10)
    (name,) = fleet.running()
    busy, other = (media, second) if f"-{media.pid}-" in name else (second, media)
    shows(fleet, idle | {busy: ("busy", "media")}, TELLS_WITHIN)
    assert shown_queues(fleet) == {"media": 0, "ai": 0}
    fleet.release("probed")
    eventually(lambda: len(fleet.running()) == 1 and "ai-" in str(fleet.running()), 15)
    shows(fleet, idle | {ai: ("busy", "ai")}, TELLS_WITHIN)
    assert shown_queues(fleet) == {"media": 0, "ai": 0}
    fleet.release("analyzed")
    eventually(lambda: fleet.state(job) is JobState.SUCCEEDED, 15)
    shows(fleet, idle, TELLS_WITHIN)
    shown = rq_info(fleet)
    assert "2 queues, 0 jobs total" in shown
    assert "3 workers, 2 queues" in shown
    assert len(WORKER.findall(rq_info(fleet, "--raw", "media"))) == 2

    redis.Redis.from_url(fleet.valkey.url).flushall()
    assert shown_workers(fleet) == {}
    fleet.submit("probe=until:emptied")
    eventually(lambda: len(fleet.running()) == 1, 10)
    busy, other = (media, second) if f"-{media.pid}-" in str(fleet.running()) else (second, media)
    shows(fleet, {busy: ("busy", "media"), other: ("idle", "media"), ai: ("idle", "ai")}, TELLS_WITHIN)
    assert shown_queues(fleet) == {"media": 0, "ai": 0}
    fleet.release("emptied")


def test_it_forgets_the_dead(fleet: ActingFleet) -> None:
    quick = {"BACKLOT_LEASE": "4", "BACKLOT_BEAT": "0.5", "BACKLOT_SWEEP": "1"}
    busy = fleet.start("media", **quick)
    job = fleet.submit("probe=until:released")
    eventually(lambda: len(fleet.running()) == 1, 15)
    idle, ai = fleet.start("media", **quick), fleet.start("ai", **quick)
    everybody = {busy: ("busy", "media"), idle: ("idle", "media"), ai: ("idle", "ai")}
    shows(fleet, everybody, 15)

    busy.kill()
    busy.wait()
    eventually(lambda: "lost" in fleet.outcomes(job), 10)
    shows(fleet, {idle: ("busy", "media"), ai: ("idle", "ai")}, TELLS_WITHIN)

    ai.kill()
    ai.wait()
    assert ai.pid in shown_workers(fleet)  # nobody was waiting for it: who starts next on this host tidies up
    heir = fleet.start("ai", **quick)
    shows(fleet, {idle: ("busy", "media"), heir: ("idle", "ai")}, 15)
    fleet.release("released")
    eventually(lambda: fleet.state(job) is JobState.SUCCEEDED, 15)


def test_what_is_told_during_a_roll_call_stands(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, register = MediaWorker(services), bell.register
    worker.register_birth()
    in_between, told = threading.Event(), threading.Event()

    def registered_slowly(*arguments: Any) -> None:
        in_between.set()
        told.wait(0.5)
        register(*arguments)

    monkeypatch.setattr(bell, "register", registered_slowly)
    with ThreadPoolExecutor(2) as pool:
        answered = pool.submit(worker.answer_roll_call)
        assert in_between.wait(5)
        pool.submit(worker.set_state, WorkerStatus.BUSY).add_done_callback(lambda _done: told.set())
        answered.result(5)
    try:
        assert services.client.hget(worker.key, "state") == b"busy"
    finally:
        services.queue.forget_workers([worker.name])
