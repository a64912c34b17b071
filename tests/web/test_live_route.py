"""The live stream over the wire: what it sends, to whom, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.testclient import TestClient

from console import streams
from console.gate import Gate
from console.route_table import ROUTES
from console.routes import live as route
from console.routes.answers import answer_error
from services.errors import BacklotError
from tests.integration.fleet import eventually
from tests.web.conftest import ROOT, free_port
from tests.web.fakes import ANA, BO, FakeServices
from tests.web.seeds import VALID
from tests.web.streaming import LAST_CHUNK, Stream

JOB = UUID(int=5)


@pytest.fixture
def address(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real server of the routes behind the gate and gzip, on the fakes."""
    monkeypatch.setattr(route, "STREAMS", streams.Streams())
    application = Starlette(
        routes=ROUTES,
        middleware=[Middleware(Gate), Middleware(GZipMiddleware, minimum_size=1)],
        exception_handlers={BacklotError: answer_error},
    )
    server = uvicorn.Server(
        uvicorn.Config(application, port=free_port(), log_level="critical", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    eventually(lambda: server.started, 5, "the server")
    yield f"http://127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join(5)


def test_it_begins_with_a_snapshot_and_goes_on_unbuffered(services: FakeServices, address: str) -> None:
    services.live.jobs = [{"job_id": "the first"}]
    named = uuid4()
    with Stream(address, token=services.sessions.open(BO), query=f"?job={named}") as stream:
        stream.wait_for(b"the first")
        assert stream.head.startswith("HTTP/1.1 200")
        headers = stream.head.lower()
        assert "content-type: text/event-stream" in headers
        assert "cache-control: no-cache" in headers
        assert "x-accel-buffering: no" in headers
        assert "content-encoding" not in headers
        assert stream.raw.index(b"retry: 2000") < stream.raw.index(b"event: snapshot")
        for number in range(5):
            services.live.tell(JOB, {"told": number})
            assert stream.wait_for(f'"told": {number}'.encode()) < 0.5
        assert services.live.viewers[0].user == BO
        assert services.live.asked_for == [named]


def test_it_is_refused_like_every_other_route(client: TestClient, services: FakeServices) -> None:
    assert client.get("/api/live").status_code == 401
    client.cookies.set("backlot_session", services.sessions.open(BO))
    assert client.get("/api/live?job=nothing").status_code == 400
    answer = client.head("/api/live")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_it_ends_with_the_session_and_with_no_other(services: FakeServices, address: str) -> None:
    ended, other = services.sessions.open(BO), services.sessions.open(BO)
    with Stream(address, token=ended) as stream, Stream(address, token=other) as stays:
        for each in (stream, stays):
            each.wait_for(b"event: snapshot")
        revoked_at = time.monotonic()
        services.sessions.revoke(services.sessions.live[ended])
        stream.wait_for(b'event: end\ndata: {"why": "session"}')
        stream.wait_for_end(within=1)
        assert time.monotonic() - revoked_at < 1
        time.sleep(0.3)
        assert LAST_CHUNK not in stays.raw
        assert len(services.live.viewers) == 1


def test_it_is_no_use_of_its_session_and_ends_when_that_ends_by_itself(
    services: FakeServices, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FIRST_CHECK", 0.0)
    monkeypatch.setattr(streams, "LOOK", 0.1)
    token = services.sessions.open(BO)
    ends_at = datetime.now(UTC) + timedelta(seconds=1.5)
    services.sessions.live[token] = replace(services.sessions.live[token], expires_at=ends_at)
    with Stream(address, token=token) as stream:
        stream.wait_for(b"event: snapshot")
        stream.wait_for(b'{"why": "session"}', within=3)
        assert datetime.now(UTC) >= ends_at
    assert services.sessions.used == []


def test_a_session_that_nobody_hears_of_is_checked_at_times(
    services: FakeServices, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "UNHEARD_CHECK", 1.0)
    monkeypatch.setattr(streams, "LOOK", 0.1)
    monkeypatch.setattr(services.sessions, "hears", lambda: False)
    token = services.sessions.open(BO)
    with Stream(address, token=token) as stream:
        stream.wait_for(b"event: snapshot")
        del services.sessions.live[token]
        stream.wait_for(b'{"why": "session"}', within=2.5)


def test_a_slow_reader_holds_up_nobody_and_misses_only_what_is_outdated(services: FakeServices, address: str) -> None:
    filling = "x" * 20_000
    with (
        Stream(address, token=services.sessions.open(ANA), reads=False, receive_buffer=4096) as slow,
        Stream(address, token=services.sessions.open(BO)) as quick,
    ):
        quick.wait_for(b"event: snapshot")
        eventually(lambda: len(services.live.viewers) == 2, 5)
        for number in range(600):  # 12 MB: more than all buffers between
            services.live.tell(JOB, {"number": f"<{number}>", "filling": filling})
            time.sleep(0.002)
        assert quick.wait_for(b"<599>") < 1
        slow._thread.start()
        slow.wait_for(b"<599>")
        came = [number for number in range(600) if f"<{number}>".encode() in slow.raw]
        assert len(came) < 590
        assert came[-1] == 599


def test_a_silent_stream_shows_that_it_lives(
    services: FakeServices, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK", 0.1)
    for module in (streams, route):
        monkeypatch.setattr(module, "PING_SECONDS", 0.5)
    with Stream(address, token=services.sessions.open(BO)) as stream:
        stream.wait_for(b"event: snapshot")
        assert stream.wait_for(b": still here", within=2) > 0.2


def test_whoever_leaves_is_forgotten(services: FakeServices, address: str) -> None:
    stream = Stream(address, token=services.sessions.open(BO))
    stream.wait_for(b"event: snapshot")
    assert len(services.live.viewers) == 1
    stream.close()
    eventually(lambda: services.live.viewers == [], 2)
    assert route.STREAMS.count() == 0


def test_too_many_streams_of_one_user_are_refused_kindly(
    services: FakeServices, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_OF_A_USER", 2)
    token = services.sessions.open(BO)
    with Stream(address, token=token) as one, Stream(address, token=token) as two:
        for each in (one, two):
            each.wait_for(b"event: snapshot")
        with Stream(address, token=services.sessions.open(BO)) as third:
            third.wait_for(b"\r\n\r\n")
            assert third.head.startswith("HTTP/1.1 429")
            assert "retry-after: 5" in third.head.lower()
        with Stream(address, token=services.sessions.open(ANA)) as another:
            another.wait_for(b"event: snapshot")
    eventually(lambda: route.STREAMS.count() == 0, 2)


def test_a_server_that_is_told_to_stop_does_not_wait_for_open_streams() -> None:
    """The real one, with Streamlit's own middleware around the stream."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.web.fake_server", str(port)],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        try:
            with Stream(f"http://127.0.0.1:{port}", token=VALID) as stream:
                stream.wait_for(b"event: snapshot")
        except ConnectionRefusedError:
            return False
        return True

    try:
        eventually(answers, 30, "the server")
        opened = [Stream(f"http://127.0.0.1:{port}", token=VALID) for _ in range(5)]
        for stream in opened:
            stream.wait_for(b"event: snapshot")
            assert "content-encoding" not in stream.head.lower()
        asked_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert time.monotonic() - asked_at < 2
        for stream in opened:
            stream.wait_for_end(within=1)
            assert b'{"why": "restart"}' in stream.raw
            stream.close()
    finally:
        process.kill()
        process.wait()
