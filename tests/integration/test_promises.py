"""What running work can rely on: stop means stop, nothing outlasts its time, a drain hands back, slots are used."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from uuid import UUID

import psutil
import pytest
import redis

from services import keys
from services.embedded import start_valkey
from services.errors import BacklotError
from services.model import JobKind, JobState, QueueName, StageName, StageState
from services.progress import JobChange, Progress, StageProgress
from services.queue import connect
from services.signing import derived_key, sign
from tests.films import film_of
from tests.integration.acting_fleet import SHIPPED, ActingFleet, SilentServer, is_alive
from tests.integration.fleet import children, eventually

GONE_WITHIN = 2.0  # seconds after a stop
ENDS_IDLE_WITHIN = 1.0
GRACE = 3.0  # seconds that a stage may still run after a request to stop


@pytest.fixture(scope="module")
def module_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActingFleet]:
    fleet = ActingFleet(tmp_path_factory.mktemp("fleet"))
    yield fleet
    fleet.stop()


@pytest.fixture
def fleet(module_fleet: ActingFleet) -> Iterator[ActingFleet]:
    yield module_fleet
    module_fleet.clear()


@pytest.fixture
def api() -> Iterator[SilentServer]:
    server = SilentServer()
    yield server
    server.close()


def renderer_of(worker: subprocess.Popen[bytes]) -> psutil.Process:
    """The ffmpeg that a worker runs, once it does."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        found[:] = [process for process in children(worker) if "ffmpeg" in process.name()]
        return len(found) == 1

    eventually(is_there, 20, "ffmpeg")
    return found[0]


def analyses(fleet: ActingFleet, *orders: str) -> list[UUID]:
    """Jobs of the one stage analyze, a coroutine, each with its order."""
    videos = [fleet.prepared(fleet.user, f"analyze={order}") for order in orders]
    return [fleet.submit_analysis(fleet.user, video) for video in videos]


@pytest.mark.parametrize("redis_is", ["up", "down"])
def test_what_is_stopped_is_gone_and_never_finishes(fleet: ActingFleet, api: SilentServer, redis_is: str) -> None:
    calling, ending = analyses(fleet, f"call:{api.port}", f"until:late-{redis_is}")
    beat = {"BACKLOT_BEAT": "10"} if redis_is == "up" else {}  # then no beat tells in time, and the command must
    fleet.start("ai", **beat)
    media = fleet.start("media", **beat)
    rendering = fleet.submit("probe=ffmpeg")
    renderer = renderer_of(media)
    eventually(lambda: api.calls == 1 and sum(fleet.running().values()) == 3, 20)
    if redis_is == "down":
        assert fleet.valkey.process is not None
        fleet.valkey.process.kill()
        fleet.valkey.process.wait()
    time.sleep(0.3)  # at no special moment of a beat
    stopped_at = time.monotonic()
    for job in (rendering, calling, ending):
        fleet.services.operations.cancel(fleet.user, job)
        assert fleet.state(job) is JobState.CANCELLED
    fleet.release(f"late-{redis_is}")  # its work ends by itself as it is stopped
    eventually(lambda: not is_alive(renderer) and len(api.hung_up_at) == 1, GONE_WITHIN + 3)
    assert time.monotonic() - stopped_at < GONE_WITHIN
    time.sleep(SHIPPED["beat"])
    if redis_is == "down":
        fleet.valkey = start_valkey(fleet.folder / "valkey")
    for job, stage in ((rendering, "probe"), (calling, "analyze"), (ending, "analyze")):
        assert fleet.state(job) is JobState.CANCELLED
        assert fleet.stage(job, StageName(stage)) is StageState.CANCELLED
        assert fleet.outcomes(job) == ["cancelled"]
        with pytest.raises(BacklotError):
            fleet.services.operations.cancel(fleet.user, job)


def test_no_stage_outlasts_its_time(fleet: ActingFleet, api: SilentServer) -> None:
    analyzed = fleet.prepared(fleet.user, "posts=until:never", kind=JobKind.ANALYZE)
    (coroutine,) = analyses(fleet, f"call:{api.port}")
    plain = fleet.services.operations.submit(fleet.user, analyzed, JobKind.POSTS)
    fleet.start("ai", STAGE_SECONDS="1.5")
    fleet.start("media", STAGE_SECONDS="1.5")
    child = fleet.submit("probe=ffmpeg")
    jobs = (coroutine, plain, child)
    eventually(lambda: all(fleet.state(job) is JobState.FAILED for job in jobs), 15)
    for job, name in ((coroutine, StageName.ANALYZE), (plain, StageName.POSTS), (child, StageName.PROBE)):
        message = fleet.services.operations.job(fleet.user, job).message
        assert "It took longer than" in message
        assert "was stopped" in message
        (attempt,) = fleet.attempts(job, name)
        assert attempt.outcome == "failed"
        assert 1.4 < (attempt.finished_at - attempt.started_at).total_seconds() < 3
    eventually(lambda: len(api.hung_up_at) == 1, 1)


@pytest.mark.parametrize("kind", ["media", "ai"])
def test_an_idle_worker_ends_at_once(fleet: ActingFleet, kind: str) -> None:
    worker = fleet.start(kind)
    client = redis.Redis.from_url(fleet.valkey.url)
    eventually(lambda: client.scard("rq:workers") == 1, 15, "its registration")
    time.sleep(0.3)
    asked_at = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert time.monotonic() - asked_at < ENDS_IDLE_WITHIN
    assert client.scard("rq:workers") == 0


def test_a_drain_records_what_ends_and_hands_back_the_rest(fleet: ActingFleet, api: SilentServer) -> None:
    soon, second, *calls = analyses(fleet, *["until:soon"] * 2, *[f"call:{api.port}"] * 3)
    render = fleet.submit("probe=ffmpeg")
    workers = [fleet.start("ai"), fleet.start("media")]
    eventually(lambda: sum(fleet.running().values()) == 6 and api.calls == 3, 20)
    asked_at = time.monotonic()
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGINT)
    time.sleep(0.5)
    fleet.release("soon")
    eventually(lambda: {fleet.state(soon), fleet.state(second)} == {JobState.SUCCEEDED}, GRACE)
    assert time.monotonic() - asked_at < GRACE  # within the grace, and not as the worker ends
    assert [worker.poll() for worker in workers] == [None, None]
    assert [worker.wait(10) for worker in workers] == [0, 0]
    assert GRACE - 0.5 < time.monotonic() - asked_at < GRACE + 2
    assert len(api.hung_up_at) == 3
    for job, name in [(render, StageName.PROBE), *((call, StageName.ANALYZE) for call in calls)]:
        assert fleet.stage(job, name) is StageState.READY
        assert [attempt.outcome for attempt in fleet.attempts(job, name)] == ["released"]
    assert {row.tries for row in fleet.ask("select tries from stages where state = 'ready'")} == {0}


def test_full_ai_workers_ring_on_and_fill_their_slots_again(fleet: ActingFleet) -> None:
    for _ in range(2):
        fleet.start("ai", BACKLOT_AI_SLOTS="2")
    client = redis.Redis.from_url(fleet.valkey.url)
    eventually(lambda: client.scard("rq:workers") == 2, 15, "their registration")
    users = [fleet.new_user() for _ in range(7)]
    videos = [(user, fleet.prepared(user, f"analyze=until:{n}")) for n, user in enumerate(users)]
    jobs = [fleet.accept_unrung(user, video, JobKind.ANALYZE) for user, video in videos[:4]]
    fleet.services.queue.ring(QueueName.AI)  # once: whoever hears it takes two and rings on
    eventually(lambda: sorted(fleet.running().values()) == [2, 2], 2, "all four at once")
    jobs += [fleet.submit_analysis(user, video) for user, video in videos[4:]]
    time.sleep(1)
    assert sorted(fleet.running().values()) == [2, 2]
    for n in range(3):
        client.delete("rq:queue:ai")  # the ring is lost: who has a slot free claims again without one
        fleet.release(str(n))
        eventually(lambda n=n: fleet.state(jobs[n]) is JobState.SUCCEEDED, 2)  # type: ignore[misc]
        eventually(lambda: sorted(fleet.running().values()) == [2, 2], 2, "a freed slot in use")
    for n in range(3, 7):
        fleet.release(str(n))
    eventually(lambda: all(fleet.state(job) is JobState.SUCCEEDED for job in jobs), 5)


def test_a_single_upload_passes_two_hundred_of_another(fleet: ActingFleet) -> None:
    busy, other = fleet.new_user(), fleet.new_user()
    film = fleet.folder / "film.mp4"
    film.write_bytes(film_of(b"film"))
    for _ in range(200):
        fleet.services.uploads.accept_file(busy, film, title="probe=steps:0.3", kind=JobKind.PIPELINE)
    for _ in range(2):
        fleet.start("media")
    eventually(lambda: len(fleet.ask("select from attempts")) >= 10, 30)
    job = fleet.services.uploads.accept_file(other, film, title=None, kind=JobKind.PIPELINE).job_id
    accepted_at = fleet.ask("select clock_timestamp() as now")[0].now
    eventually(lambda: len(fleet.attempts(job, StageName.PROBE)) == 1, 5)
    started_at = fleet.attempts(job, StageName.PROBE)[0].started_at
    (row,) = fleet.ask(
        "select count(*) filter (where a.started_at between j.created_at and :started) as overtook,"
        " count(*) filter (where s.state = 'ready') as still_waiting"
        " from stages s left join attempts a on a.stage_id = s.id, jobs j"
        " where j.id = :job and s.user_id = :busy",
        started=started_at,
        job=job,
        busy=busy.id,
    )
    assert row.still_waiting > 150
    assert row.overtook <= 2  # at most one more per worker
    assert (started_at - accepted_at).total_seconds() < 1


def test_whoever_listens_hears_a_stage_begin_go_on_and_end(fleet: ActingFleet) -> None:
    client = redis.Redis.from_url(fleet.valkey.url)
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(keys.progress())
    listener.get_message(timeout=5)
    fleet.start("media", BACKLOT_BEAT="0.5")
    job = fleet.submit("probe=steps:4")
    changes: list[JobChange] = []
    heard: list[tuple[float, StageProgress]] = []

    def ended() -> bool:
        message = listener.get_message(timeout=0.1)
        for told in () if message is None else fleet.services.progress.read(message["data"]):
            if isinstance(told, JobChange):
                changes.append(told)
            else:
                heard.append((time.monotonic(), told))
        return bool(heard) and heard[-1][1].percent is None

    eventually(ended, 20, "the end of the probe")
    assert [change.job_id for change in changes] == [job]  # when it was accepted
    assert {(told.job_id, told.stage) for _, told in heard} == {(job, StageName.PROBE)}
    percents = [told.percent for _, told in heard[:-1]]
    assert percents[0] is not None
    assert percents[0] < 15
    assert percents == sorted(percents, key=lambda percent: percent or 0.0)
    assert len(percents) >= 4
    assert heard[-3][1].message.startswith("at ")
    between = [later - sooner for (sooner, _), (later, _) in itertools.pairwise(heard[:-1])]
    assert min(between) > 0.35  # one beat, less what a busy machine shifts
    assert len(heard) <= 4 / 0.5 + 2
    listener.close()


def test_progress_that_we_did_not_sign_reads_as_nothing(fleet: ActingFleet) -> None:
    client = connect(fleet.valkey.url)
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(keys.progress())
    listener.get_message(timeout=5)
    video_id = fleet.prepared(fleet.user, "")
    job_id = fleet.ask("select id from jobs")[0].id
    told = StageProgress(job_id=job_id, video_id=video_id, stage=StageName.PROBE, percent=99.0, message="nearly")
    fleet.services.progress.tell([told])
    body = json.dumps([[str(job_id), str(video_id), "probe", 99.0, "nearly"]])
    other_purpose = sign(derived_key("fleet", "stop command"), body.encode())
    Progress(client, secret="another").tell([told])
    for forged in (body, f".{body}", f"{other_purpose}.{body}", b"\xff\xfe\x00", ""):
        client.publish(keys.progress(), forged)
    read = []
    for _ in range(7):
        message = listener.get_message(timeout=5)
        assert message is not None
        read.append(fleet.services.progress.read(message["data"]))
    assert read == [(told,), *[()] * 6]
    listener.close()
