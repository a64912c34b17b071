"""Whatever a stranger writes into Redis runs nothing, stops nobody, and is counted."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import text

from services import keys
from services.model import JobState, QueueName, StageState
from services.queue import WAKE_FUNCTION, Queue, StopCommand
from tests.integration.fleet import eventually
from tests.integration.stranger import QUEUES, Ground, known_to_rq, signed, start_patient

FOREIGN = "9b9d2f1e-forged"
MIB = 2**20


@pytest.fixture(scope="module")
def whole_ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    ground = Ground(tmp_path_factory.mktemp("forged"))
    yield ground
    ground.close()


@pytest.fixture
def ground(whole_ground: Ground) -> Iterator[Ground]:
    """After each test both workers are the same processes, do the next job, and have not touched the canary."""
    log = whole_ground.fleet.folder / "workers.log"
    said = log.stat().st_size
    yield whole_ground
    job = whole_ground.fleet.submit("sleep:0")
    eventually(lambda: whole_ground.fleet.state(job) is JobState.SUCCEEDED, 20, "the job afterwards")
    assert [worker.poll() for worker in whole_ground.workers.values()] == [None, None]
    assert not whole_ground.canary.exists()
    assert "Traceback" not in log.read_text()[said:]


class Reduced:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._command,)


FORGED_DATA: dict[str, Callable[[QueueName, str], bytes]] = {
    "json": lambda queue, command: json.dumps(["os.system", None, [command], {}]).encode(),
    "compressed json": lambda queue, command: zlib.compress(json.dumps(["os.system", None, [command], {}]).encode()),
    "pickle": lambda queue, command: pickle.dumps(("os.system", None, (command,), {})),
    "compressed pickle that runs as it is read": lambda queue, command: zlib.compress(pickle.dumps(Reduced(command))),
    "not signed": lambda queue, command: zlib.compress(json.dumps([WAKE_FUNCTION, None, [queue], {}]).encode()),
    "signed by another key": lambda queue, command: zlib.compress(signed(secret="another", queue=queue)),
    "signed for another purpose": lambda queue, command: zlib.compress(signed(purpose="stop command", queue=queue)),
    "signed for another queue": lambda queue, command: zlib.compress(
        signed(queue=next(other for other in QUEUES if other is not queue))
    ),
    "signed, of another function": lambda queue, command: zlib.compress(signed(function="os.system", queue=command)),
    "truncated signature": lambda queue, command: zlib.compress(signed(queue=queue)[1:]),
    "empty signature": lambda queue, command: zlib.compress(b"." + signed(queue=queue).partition(b".")[2]),
    "truncated message": lambda queue, command: zlib.compress(signed(queue=queue))[:-6],
    "not utf-8": lambda queue, command: zlib.compress(b"\xff\xfe\x00." * 50),
    "nested deeply": lambda queue, command: zlib.compress(b"0" * 64 + b"." + b"[" * 100_000),
    "empty": lambda queue, command: b"",
}


@pytest.mark.parametrize("kind", FORGED_DATA)
def test_forged_work_is_refused(ground: Ground, kind: str) -> None:
    def push_forged() -> None:
        for queue in QUEUES:
            data = FORGED_DATA[kind](queue, f"touch {ground.canary}")
            for rq_job_id in (keys.wake(queue), f"{FOREIGN}-{queue}"):
                ground.push_to(queue, rq_job_id, {"data": data, "origin": queue.value, "status": "queued"})

    ground.expect_refused(4, push_forged)


def test_a_bomb_is_not_unpacked(ground: Ground) -> None:
    def peak(worker: subprocess.Popen[bytes]) -> int:
        status = Path(f"/proc/{worker.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    before = {queue: peak(worker) for queue, worker in ground.workers.items()}
    bomb = zlib.compress(b"0" * (100 * MIB), 9)
    assert len(bomb) < MIB
    ground.expect_refused(
        4, lambda: [ground.push_to(queue, name, {"data": bomb}) for queue in QUEUES for name in (keys.wake(queue), "b")]
    )
    for queue, worker in ground.workers.items():
        assert peak(worker) - before[queue] < 20 * MIB


CALLBACKS = {
    f"{ending}_callback_{part}": value
    for ending in ("success", "failure", "stopped")
    for part, value in (("name", "os.system"), ("timeout", "1"))
}
HOSTILE_FIELDS: dict[str, dict[str, Any]] = {
    "callbacks": CALLBACKS,
    "callbacks that are no text": dict.fromkeys(CALLBACKS, b"\xff\xff"),
    "webhooks": {"webhooks": json.dumps([{"url": "http://127.0.0.1:1/", "event": "finished", "method": "POST"}])},
    "dependencies": {"dependency_id": "x", "dependency_ids": '["x", "y"]', "allow_dependency_failures": "z"},
    "groups and repeats": {"group_id": b"\xff", "repeats_left": "x", "repeat_intervals": "[" * 5000},
    "retries": {"retries_left": "-1", "number_of_retries": "x", "retry_intervals": "{}"},
    "limits": {"rate_limit_key": b"\xff", "rate_limit_concurrency": "x"},
    "times": dict.fromkeys(("created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat"), "yesterday"),
    "durations": {"timeout": "-1h", "ttl": "x", "result_ttl": "x", "failure_ttl": "x"},
    "state": {"status": "no such state", "worker_name": b"\xff", "enqueue_at_front": "x"},
    "meta and results": {
        "meta": pickle.dumps(Reduced("false")),
        "result": b"\x80",
        "exc_info": zlib.compress(b"x" * MIB),
    },
}


@pytest.mark.parametrize("kind", HOSTILE_FIELDS)
def test_forged_fields_are_not_read(ground: Ground, kind: str) -> None:
    """On our own rq_job, beside a genuine message, they change nothing; a foreign one is refused."""
    fields = HOSTILE_FIELDS[kind]
    if kind == "callbacks":
        fields = fields | {"description": f"touch {ground.canary}", "id": f"touch {ground.canary}"}

    def push_genuine() -> None:
        for queue in QUEUES:
            ground.push_to(queue, keys.wake(queue), fields | {"data": zlib.compress(signed(queue=queue))})

    def push_foreign() -> None:
        for queue in QUEUES:
            ground.push_to(queue, f"{FOREIGN}-2", fields | {"data": zlib.compress(signed(queue=queue))})

    ground.hear_out()
    before = ground.refused()
    push_genuine()
    ground.hear_out()
    assert ground.refused() == before
    ground.expect_refused(2, push_foreign)


def test_a_message_without_its_hash_is_refused(ground: Ground) -> None:
    ground.stranger.delete(*(f"rq:job:{keys.wake(queue)}" for queue in QUEUES))
    ground.expect_refused(
        4, lambda: [ground.push_to(queue, name) for queue in QUEUES for name in (keys.wake(queue), "nowhere")]
    )


@pytest.mark.parametrize("kind", ["string", "list"])
def test_a_hash_of_another_type_is_refused_and_replaced(ground: Ground, kind: str) -> None:
    def push_wrong() -> None:
        for queue in QUEUES:
            key = f"rq:job:{keys.wake(queue)}"
            ground.stranger.delete(key)
            if kind == "string":
                ground.stranger.set(key, "x")
            else:
                ground.stranger.rpush(key, "x")
            ground.push_to(queue, keys.wake(queue))

    ground.expect_refused(2, push_wrong)
    started = time.monotonic()
    job = ground.fleet.submit("sleep:0")
    eventually(lambda: ground.fleet.state(job) is JobState.SUCCEEDED, 20)
    assert time.monotonic() - started < 10
    assert ground.stranger.type(f"rq:job:{keys.wake(QueueName.MEDIA)}") == b"hash"


@pytest.mark.parametrize("kind", ["string", "hash"])
def test_a_queue_of_another_type_is_replaced(ground: Ground, kind: str) -> None:
    """The workers wait on the queue already, so that Redis does not tell them."""
    for queue in QUEUES:
        with ground.stranger.pipeline() as pipeline:  # a wake of the job before may lie there
            pipeline.delete(f"rq:queue:{queue}")
            if kind == "string":
                pipeline.set(f"rq:queue:{queue}", "x")
            else:
                pipeline.hset(f"rq:queue:{queue}", "x", "y")
            pipeline.execute()
    job = ground.fleet.submit("sleep:0")
    eventually(lambda: ground.fleet.state(job) is JobState.SUCCEEDED, 20)


@pytest.mark.parametrize("entry", [b"\xff\xfe\xfd", b"x" * MIB, b"", b"\x00", os.urandom(MIB)], ids=len)
def test_an_entry_that_is_no_name_is_refused(ground: Ground, entry: bytes) -> None:
    ground.expect_refused(2, lambda: [ground.push_to(queue, entry) for queue in QUEUES])


def test_suspending_by_hand_stops_nobody(ground: Ground) -> None:
    ground.stranger.set("rq:suspended", 1)
    job = ground.fleet.submit("sleep:0")
    eventually(lambda: ground.fleet.state(job) is JobState.SUCCEEDED, 20)
    ground.stranger.delete("rq:suspended")


def no_command_of_ours(name: str, other: str) -> dict[str, bytes]:
    """Everything that a worker must not obey; name is its own, other its neighbour's."""
    queue = Queue(redis.Redis(port=1), secret="another key")
    caught: list[bytes] = []
    queue._client.publish = lambda _channel, message: caught.append(message)  # type: ignore[method-assign]
    queue.send_stop(name, StopCommand(stage_id=1, token=1))
    (by_another_key,) = caught
    unsigned = json.dumps({"worker": name, "stage_id": 1, "token": 1})
    return {
        "rq's stop": json.dumps({"command": "stop-job", "job_id": keys.wake(QueueName.MEDIA)}).encode(),
        "rq's shutdown": b'{"command": "shutdown"}',
        "rq's kill": b'{"command": "kill-horse"}',
        "unsigned": json.dumps({"command": "stop-stage", "body": unsigned, "signature": ""}).encode(),
        "signed by another key": by_another_key.encode() if isinstance(by_another_key, str) else by_another_key,
        "not json": b"stop!",
        "not text": b"\xff\xfe" * 100,
        "empty": b"",
        "a number": b"1" * 6000,
        "a list": b"[]",
        "nested deeply": b"[" * 100_000,
        "objects nested deeply": b'{"command":' * 100_000,
        "half a character": b'{"command": "stop-stage", "body": "\\ud800", "signature": "\\ud800"}',
        "fields of other types": b'{"command": "stop-stage", "body": 1, "signature": []}',
        "long": b'{"command": "' + b"x" * MIB + b'"}',
    }


@pytest.mark.parametrize("kind", no_command_of_ours("one", "two"))
def test_a_command_that_is_not_ours_stops_nothing(ground: Ground, kind: str) -> None:
    job = ground.fleet.submit("probe=sleep:0.4")
    eventually(lambda: ground.fleet.stage(job) is StageState.RUNNING, 10)

    def send() -> None:
        for name, other in zip(ground.name.values(), reversed(ground.name.values()), strict=True):
            message = no_command_of_ours(name, other)[kind]
            assert ground.stranger.publish(f"rq:pubsub:{name}", message) == 1

    ground.expect_refused(2, send)
    eventually(lambda: ground.fleet.state(job) is JobState.SUCCEEDED, 20)
    assert set(ground.fleet.outcomes(job)) == {"succeeded"}


def test_a_stop_is_of_no_use_to_another_worker_or_attempt(ground: Ground) -> None:
    """Taken from the channel of one worker and sent to another it is refused; out of its time it finds nothing."""
    media, ai = ground.name[QueueName.MEDIA], ground.name[QueueName.AI]
    job = ground.fleet.submit("probe=sleep:1.5")
    eventually(lambda: ground.fleet.stage(job) is StageState.RUNNING, 10)
    with ground.fleet.services.database.statement() as connection:
        stage_id, token = connection.execute(
            text("select id, token from stages where job_id = :id and state = 'running'"), {"id": job}
        ).one()
    with ground.stranger.pubsub(ignore_subscribe_messages=True) as eavesdropper:  # type: ignore[no-untyped-call]
        eavesdropper.subscribe(f"rq:pubsub:{ai}")
        eavesdropper.get_message(timeout=1)
        ground.fleet.services.queue.send_stop(ai, StopCommand(stage_id=stage_id, token=token))
        heard = None
        for _ in range(10):
            heard = heard or eavesdropper.get_message(timeout=0.5)
    assert heard is not None
    ground.expect_refused(1, lambda: ground.stranger.publish(f"rq:pubsub:{media}", heard["data"]))
    before = ground.refused()
    ground.fleet.services.queue.send_stop(media, StopCommand(stage_id=stage_id, token=token - 1))
    ground.fleet.services.queue.send_stop(media, StopCommand(stage_id=stage_id + 1000, token=token))
    eventually(lambda: ground.fleet.state(job) is JobState.SUCCEEDED, 20)
    assert set(ground.fleet.outcomes(job)) == {"succeeded"}
    assert ground.refused() == before


def test_a_flood_of_roll_calls_costs_a_registration_at_most(ground: Ground) -> None:
    def registrations() -> int:
        return int(ground.stranger.info("commandstats").get("cmdstat_sadd", {"calls": 0})["calls"])

    before = registrations()
    with ground.stranger.pipeline(transaction=False) as pipeline:
        for _ in range(3000):
            pipeline.publish(keys.roll_call(), b"[" * 1000)
        pipeline.execute()
    job = ground.fleet.submit("sleep:0")
    eventually(lambda: ground.fleet.state(job) is JobState.SUCCEEDED, 20)
    assert registrations() - before <= 2 * 2 * len(QUEUES)  # two commands a registration, at most two registrations


@pytest.mark.parametrize("data", [b"", b"[", b"\xff" * 100, b"[" * 100_000, b"0." + b"x" * 100], ids=len)
def test_a_forged_call_is_refused_and_counted(ground: Ground, data: bytes) -> None:
    before = ground.refused()
    for queue in QUEUES:
        ground.stranger.publish(keys.call(queue), data)
    eventually(lambda: ground.refused() > before, 20, "the count of refused calls")
    job = ground.fleet.submit("sleep:0")
    eventually(lambda: ground.fleet.state(job) is JobState.SUCCEEDED, 20)


HOSTILE_WORKER_FIELDS = dict.fromkeys(
    ("state", "last_heartbeat", "birth", "queues", "pid", "current_job", "version", "shutdown_requested_date"),
    b"\xff\xfe" + b"x" * 1000,
)


@pytest.mark.parametrize("kind", ["deleted", "string", "list", "hostile values"])
def test_a_worker_whose_own_hash_is_spoilt_works_on_and_mends_it(ground: Ground, kind: str) -> None:
    for name in ground.name.values():
        key = f"rq:worker:{name}"
        if kind == "hostile values":
            ground.stranger.hset(key, mapping=HOSTILE_WORKER_FIELDS)  # type: ignore[arg-type]
            continue
        ground.stranger.delete(key)
        if kind == "string":
            ground.stranger.set(key, "x")
        elif kind == "list":
            ground.stranger.rpush(key, "x")
    for _ in range(2):  # a worker notices as it tells its state, and mends it as it next listens
        job = ground.fleet.submit("sleep:0")
        eventually(lambda job=job: ground.fleet.state(job) is JobState.SUCCEEDED, 20)  # type: ignore[misc]
    if kind == "hostile values":
        ground.stranger.delete(*(f"rq:worker:{name}" for name in ground.name.values()))
        job = ground.fleet.submit("sleep:0")
        eventually(lambda: ground.fleet.state(job) is JobState.SUCCEEDED, 20)
    eventually(lambda: known_to_rq(ground) == set(ground.name.values()), 20, "that RQ knows both workers")


def test_a_worker_starts_among_hostile_names(ground: Ground) -> None:
    host = socket.gethostname().encode()
    names = [b"rq:worker:media-" + host + b"-%s-x" % number for number in (b"9" * 30, b"9" * 5000, b"-1", b"0", b"1e3")]
    names += [b"", b"\xff\xfe", b"rq:worker:", b"rq:worker:---", b"x" * MIB, "rq:worker:media-x-\u0661-y".encode()]
    ground.stranger.sadd("rq:workers", *names)
    started = ground.fleet.start("media")
    eventually(lambda: ground.state_of(started) == b"idle", 20, "a worker that listens")
    started.send_signal(signal.SIGTERM)
    assert started.wait(10) == 0
    ground.stranger.srem("rq:workers", *names)


def test_a_worker_starts_where_the_list_of_workers_is_none(ground: Ground) -> None:
    kept = ground.stranger.smembers("rq:workers")
    log = ground.fleet.folder / "workers.log"
    said = log.stat().st_size
    ground.stranger.delete("rq:workers")
    ground.stranger.set("rq:workers", "x")
    started = ground.fleet.start("media")
    eventually(lambda: "redis_does_not_answer" in log.read_text()[said:], 20, "a start without registration")
    job = ground.fleet.submit("sleep:0")
    eventually(lambda: ground.fleet.state(job) is JobState.SUCCEEDED, 20)
    started.send_signal(signal.SIGTERM)
    assert started.wait(10) == 0
    ground.stranger.delete("rq:workers")
    ground.stranger.sadd("rq:workers", *kept)


def test_a_flood_is_one_record_a_minute_and_none_of_it_is_lost(ground: Ground) -> None:
    """With the interval of the product: the first at once, the rest when the worker ends."""
    for worker in ground.workers.values():
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    before, flood = ground.refused(), 300
    patient = {queue: start_patient(ground.fleet, queue) for queue in QUEUES}
    for worker in patient.values():
        eventually(lambda worker=worker: ground.state_of(worker) == b"idle", 20)  # type: ignore[misc]
    for queue in QUEUES:
        ground.stranger.rpush(f"rq:queue:{queue}", *(f"{FOREIGN}-{number}" for number in range(flood)))
    eventually(lambda: not any(ground.stranger.llen(f"rq:queue:{queue}") for queue in QUEUES), 20)
    time.sleep(0.5)
    with ground.fleet.services.database.statement() as connection:
        rows = connection.execute(
            text("select count(*) from events where action = 'messages refused' and actor = any (:actors)"),
            {"actors": [f"worker:{name}" for name in ground.names()]},
        ).scalar_one()
    assert rows == len(QUEUES)
    for worker in patient.values():
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    assert ground.refused() - before == len(QUEUES) * flood
    ground.workers = {queue: ground.fleet.start(queue.value) for queue in QUEUES}
    eventually(lambda: len(ground.names()) == len(QUEUES), 20)
    ground.name = {queue: next(name for name in ground.names() if name.startswith(queue)) for queue in QUEUES}
