"""What is lost when workers, Redis or everything at once is lost: time, and nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from services.embedded import Server, start_postgres, start_valkey
from services.model import JobKind, JobState, StageName
from tests.films import film_of
from tests.integration.acting_fleet import AS_SHIPPED, ActingFleet
from tests.integration.fleet import eventually

NEXT_ATTEMPT_WITHIN = 20.0  # seconds after a kill
READY = 300  # stages
FILES = 40  # of which some are accepted before the power goes
ACKNOWLEDGED = 8


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[ActingFleet]:
    fleet = ActingFleet(tmp_path)
    yield fleet
    fleet.stop()


def test_a_killed_workers_stage_starts_again_within_twenty_seconds(fleet: ActingFleet) -> None:
    assert AS_SHIPPED == {"BACKLOT_LEASE": "15.0", "BACKLOT_SWEEP": "15.0", "BACKLOT_BEAT": "1.5"}
    video_id = fleet.prepared(fleet.user, "analyze=until:told")
    doomed = [fleet.start("ai"), fleet.start("media")]
    jobs = {
        StageName.ANALYZE: fleet.submit_analysis(fleet.user, video_id),
        StageName.PROBE: fleet.submit("probe=until:told"),
    }
    eventually(lambda: len(fleet.running()) == 2, 20, "a stage on each worker")
    for kind in ("ai", "media"):
        fleet.start(kind)
    time.sleep(5)  # the new workers idle and the doomed ones have renewed their leases
    killed_at = fleet.ask("select clock_timestamp() as now")[0].now
    for worker in doomed:
        worker.kill()
    for name, job in jobs.items():
        eventually(lambda name=name, job=job: len(fleet.attempts(job, name)) == 2, NEXT_ATTEMPT_WITHIN + 5)  # type: ignore[misc]
        first, second = fleet.attempts(job, name)
        assert first.outcome == "lost"
        assert second.worker != first.worker
        assert 0 < (second.started_at - killed_at).total_seconds() < NEXT_ATTEMPT_WITHIN
    fleet.release("told")
    eventually(lambda: all(fleet.state(job) is JobState.SUCCEEDED for job in jobs.values()), 30)


def test_emptying_redis_loses_no_stage(fleet: ActingFleet) -> None:
    client = redis.Redis.from_url(fleet.valkey.url)
    thumbnails = fleet.prepared(fleet.user, "", kind=JobKind.THUMBNAILS)
    analysis = fleet.prepared(fleet.user, "")
    for kind in ("media", "media", "ai"):
        fleet.start(kind)
    eventually(lambda: client.scard("rq:workers") == 3, 20, "their registration")
    fleet.set_paused(True)
    for _ in range(READY // 2):
        fleet.accept_unrung(fleet.user, thumbnails, JobKind.THUMBNAILS)
        fleet.accept_unrung(fleet.user, analysis, JobKind.ANALYZE)
    client.flushall()  # the workers wait for a ring that is lost, and are known to nobody
    assert fleet.count("ready") == READY
    fleet.set_paused(False)
    fleet.services.sweeper.arm()  # as each accept does
    eventually(lambda: fleet.count("succeeded") > READY * 2 // 3, 60, "most of them")
    client.flushall()
    eventually(lambda: fleet.count("ready", "running") == 0, 60, "the end of the rest")
    assert fleet.count("failed", "cancelled") == 0
    assert {row.count for row in fleet.ask("select count(*) from attempts group by stage_id")} == {1}


def test_an_upload_while_redis_is_down_runs_before_it_is_back(fleet: ActingFleet) -> None:
    for kind in ("media", "ai"):
        fleet.start(kind)
    client = redis.Redis.from_url(fleet.valkey.url)
    eventually(lambda: client.scard("rq:workers") == 2, 20, "their registration")
    kill(fleet.valkey)
    early = fleet.submit("")
    eventually(lambda: fleet.state(early) is JobState.SUCCEEDED, 45)
    late = fleet.submit("")
    fleet.valkey = start_valkey(fleet.folder / "valkey")
    eventually(lambda: fleet.state(late) is JobState.SUCCEEDED, 45)
    assert fleet.outcomes(early) == fleet.outcomes(late) == ["succeeded"] * 6


def test_what_was_acknowledged_is_there_after_a_power_cut(fleet: ActingFleet) -> None:
    """kill -9 leaves what the system has not yet written to the disk: that the product syncs is for another test."""
    films = [fleet.folder / f"{number}.mp4" for number in range(FILES)]
    for film in films:
        film.write_bytes(film_of(os.urandom(200_000)))
    for kind in ("media", "ai"):
        fleet.start(kind)
    accepting = subprocess.Popen(
        [sys.executable, "-m", "console", "submit", "--as", fleet.user.name, *map(str, films)],
        env=fleet.environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert accepting.stdout is not None
    with accepting.stdout as answers:
        told = [answers.readline() for _ in range(ACKNOWLEDGED)]
        accepting.kill()
        for worker in fleet.workers:
            worker.kill()
        kill(fleet.valkey)
        kill(fleet.postgres)
        told += answers
    assert accepting.wait() == -signal.SIGKILL
    acknowledged = [line.strip().rpartition("video?id=")[2] for line in told]
    assert ACKNOWLEDGED <= len(acknowledged) < FILES

    fleet.postgres = start_postgres(fleet.folder / "postgres")
    fleet.valkey = start_valkey(fleet.folder / "valkey")
    rows = {
        str(row.video_id): row
        for row in fleet.ask(
            "select v.id as video_id, v.file_name, v.sha256, f.storage_key, f.size_bytes, j.id as job_id"
            " from videos v join jobs j on j.video_id = v.id join files f on f.video_id = v.id and f.role = 'source'"
        )
    }
    assert [rows[video_id].file_name for video_id in acknowledged] == [film.name for film in films[: len(acknowledged)]]
    for film, row in ((fleet.folder / row.file_name, row) for row in rows.values()):
        kept = fleet.services.storage.path(row.storage_key).read_bytes()
        assert kept == film.read_bytes()
        assert (row.size_bytes, row.sha256) == (len(kept), hashlib.sha256(kept).hexdigest())
    for kind in ("media", "ai"):
        fleet.start(kind)
    eventually(lambda: all(fleet.state(row.job_id) is JobState.SUCCEEDED for row in rows.values()), 60)


def kill(server: Server) -> None:
    """End every process of a server as a power cut does."""
    assert server.process is not None
    first = psutil.Process(server.process.pid)
    for process in [first, *first.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    server.process.wait()
