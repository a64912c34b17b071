"""What a load balancer and a scraper ask for: open, from memory, and about no person."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from console.figures import AREAS, PAGES, Counting, area_of
from console.gate import Gate
from console.route_table import ROUTES
from console.routes import health
from console.routes.answers import answer_error
from services.errors import BacklotError
from tests.web.fakes import ANA, FakeServices


class Untouchable:
    """Fails whoever asks it for anything but what is in memory."""

    def __init__(self, services: FakeServices) -> None:
        self.sessions = services.sessions
        self.settings = services.settings

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"a probe asked for {name}")


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


@pytest.fixture
def counted(services: FakeServices) -> TestClient:
    return TestClient(
        Starlette(
            routes=list(ROUTES),
            middleware=[Middleware(Counting), Middleware(Gate)],
            exception_handlers={BacklotError: answer_error},
        )
    )


def test_probes_ask_no_store(monkeypatch: pytest.MonkeyPatch, client: TestClient, services: FakeServices) -> None:
    monkeypatch.setattr("console.wiring.services", lambda: Untouchable(services))
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path).status_code in {200, 503}


def test_ready_only_between_start_and_stop(client: TestClient, services: FakeServices) -> None:
    assert client.get("/readyz").status_code == 503
    health.READY.set()
    try:
        answer = client.get("/readyz")
    finally:
        health.READY.clear()
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "redis": "heard"})
    assert client.get("/healthz").json() == {"status": "ok"}


def test_answers_are_counted_by_area_and_status(counted: TestClient, services: FakeServices) -> None:
    refused = 'backlot_http_requests_total{area="/api/",method="GET",status="401"}'
    before = samples(counted.get("/metrics").text).get(refused, 0.0)
    counted.get("/api/notifications")
    found = samples(counted.get("/metrics").text)
    assert found[refused] == before + 1
    assert found['backlot_http_seconds_count{area="/api/"}'] >= 1
    assert found["backlot_redis_heard"] == 1
    assert found["backlot_live_streams"] == 0
    assert found["process_resident_memory_bytes"] > 1e6


def test_a_stranger_cannot_fill_the_memory_with_addresses_and_methods(counted: TestClient) -> None:
    def labels() -> set[str]:
        text = counted.get("/metrics").text
        return set(re.findall(r'area="([^"]*)"', text)) | set(re.findall(r'method="([^"]*)"', text))

    for number in range(20):
        counted.get(f"/api/v1/{number}")
        counted.get(f"/{number}")
        counted.request(f"METHOD{number}", "/healthz")
    assert labels() <= {*AREAS, PAGES, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other"}


def test_nothing_of_a_person_is_told(counted: TestClient, services: FakeServices) -> None:
    token = services.sessions.open(ANA)
    counted.cookies.set("backlot_session", token)
    counted.get("/api/notifications")
    text = counted.get("/metrics").text
    for private in (token, ANA.name, "5e6d567e"):
        assert private not in text


def test_areas() -> None:
    assert area_of("/api/v1/videos") == "/api/v1/"
    assert area_of("/api/session") == "/api/"
    assert area_of("/videos") == PAGES
