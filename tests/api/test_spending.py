"""What calls of programs cost their person: one request each, whatever services spend on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from starlette.testclient import TestClient

from services.errors import Unavailable
from services.limits import LimitsView, LimitUse
from services.model import LimitName, User
from services.videos import VideoDetail
from tests.api.conftest import served, settings_of
from tests.films import film_of
from tests.integration.work import accept
from tests.web.conftest import client, services
from tests.web.fake_limits import FakeLimits
from tests.web.fakes import ANA, FakeServices, a_video

__all__ = ["client", "services"]

OPEN: ContextVar[LimitUse | None] = ContextVar("open_request", default=None)


class CountedOnce:
    """As services/limits.py does it: a request within a request is part of it, and what is refused is given back."""

    def __init__(self) -> None:
        self.spent: list[str] = []

    def of(self, user: User) -> LimitsView:
        """Looking costs nothing."""
        return FakeLimits().of(user)

    @contextmanager
    def request(self, user: User) -> Iterator[LimitUse]:
        if (outer := OPEN.get()) is not None:
            yield outer
            return
        self.spent.append(user.name)
        use = LimitUse(name=LimitName.REQUESTS, limit=100, used=len(self.spent), window=60.0)
        token = OPEN.set(use)
        try:
            yield use
        except (Unavailable, ZeroDivisionError):
            self.spent.pop()
            raise
        finally:
            OPEN.reset(token)


@pytest.fixture
def limits(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> CountedOnce:
    """Looking at a video spends a request, as submitting, searching and the like do."""
    counting, seen = CountedOnce(), services.videos.get

    def get(user: User, video_id: object) -> VideoDetail:
        with counting.request(user):
            return seen(user, video_id)  # type: ignore[arg-type]

    monkeypatch.setattr(services, "limits", counting)
    monkeypatch.setattr(services.videos, "get", get)
    return counting


@pytest.fixture
def video(services: FakeServices) -> VideoDetail:
    detail = a_video()
    services.videos.details[detail.video.id] = detail
    return detail


def as_program(services: FakeServices) -> dict[str, str]:
    return {"Authorization": f"Bearer {services.sessions.open(ANA)}"}


def test_a_call_of_a_program_is_one_request_also_where_a_service_spends(
    client: TestClient, services: FakeServices, limits: CountedOnce, video: VideoDetail
) -> None:
    headers = as_program(services)
    answer = client.get(f"/api/v1/videos/{video.video.id}", headers=headers)
    assert answer.status_code == 200
    assert limits.spent == [ANA.name]
    assert answer.headers["ratelimit-policy"] == '"requests";q=100;w=60'
    assert answer.headers["ratelimit"] == '"requests";r=99'
    assert client.get(f"/api/v1/videos/{uuid4()}", headers=headers).headers["ratelimit"] == '"requests";r=98'
    assert len(limits.spent) == 2


def test_what_the_pages_ask_for_themselves_costs_what_services_spend(
    client: TestClient, services: FakeServices, limits: CountedOnce, video: VideoDetail
) -> None:
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    answer = client.get("/api/v1/uploads")
    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers
    assert limits.spent == []
    client.get("/api/v1/limits")
    assert limits.spent == []
    answer = client.get(f"/api/v1/videos/{video.video.id}")  # a program with a cookie is a program
    assert limits.spent == [ANA.name]
    assert answer.headers["ratelimit"] == '"requests";r=99'


def test_parts_of_uploads_cost_nothing(client: TestClient, services: FakeServices, limits: CountedOnce) -> None:
    headers, content = as_program(services), film_of(bytes(10_000))
    asked = {"name": "talk.mp4", "size": len(content), "fingerprint": "f"}
    upload = client.post("/api/v1/uploads", json=asked, headers=headers).json()
    assert len(limits.spent) == 1
    for start in range(0, len(content), 2000):
        part = content[start : start + 2000]
        address = f"/api/v1/uploads/{upload['id']}?offset={start}"
        assert client.put(address, content=part, headers=headers).status_code == 200
    assert len(limits.spent) == 1


def test_what_a_store_refused_is_given_back(
    client: TestClient, services: FakeServices, limits: CountedOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(user: User) -> None:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(services.uploads, "unfinished", away)
    assert client.get("/api/v1/uploads", headers=as_program(services)).status_code == 503
    assert limits.spent == []

    def broken(user: User) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(services.uploads, "unfinished", broken)
    with TestClient(client.app, raise_server_exceptions=False) as outside:
        assert outside.get("/api/v1/uploads", headers=as_program(services)).status_code == 500
    assert limits.spent == []


def test_beyond_the_limit_a_call_is_told_when_to_come_back(client: TestClient, services: FakeServices) -> None:
    services.limits.use_up(LimitName.REQUESTS)
    answer = client.get("/api/v1/me", headers=as_program(services))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "12"
    assert answer.headers["ratelimit"] == '"requests";r=0;t=12'
    told = answer.json()
    assert (told["status"], told["retry_after"], told["limit"]) == (429, 12, "requests")
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    assert client.get("/api/v1/limits").status_code == 200


def test_the_real_limit_counts_a_call_once_and_ends_at_its_number(
    migrated_url: str, valkey_url: str, tmp_path: Path
) -> None:
    with served(settings_of(migrated_url, valkey_url, tmp_path, requests_per_minute=6)) as product:
        user = product.person("ana")
        video = accept(product.services.database, user)
        with product.caller(user) as caller:
            calls = [
                caller.get("/me"),
                caller.get("/videos?text=launch"),  # searching spends on the pages
                caller.post(f"/jobs/{video.job_id}/cancel"),  # and so does acting
                caller.post(f"/jobs/{video.job_id}/cancel"),  # also in vain
                caller.post("/uploads", json={"name": "a.mp4", "size": 9, "fingerprint": "f"}),
                caller.get("/limits"),
            ]
            assert [call.status_code for call in calls] == [200, 200, 200, 409, 201, 200]
            left = [call.headers["ratelimit"].split(";")[1] for call in calls]
            assert left == ["r=5", "r=4", "r=3", "r=2", "r=1", "r=0"]
            assert calls[-1].json()["requests"]["left"] == 0
            refused = caller.get("/me")
            assert (refused.status_code, refused.json()["limit"]) == (429, "requests")
            assert 50 <= int(refused.headers["retry-after"]) <= 60
            sent = caller.put(f"/uploads/{calls[4].json()['id']}?offset=0", content=b"123")
            assert sent.status_code == 200
        cookies = {"backlot_session": product.token(user)}
        with httpx.Client(base_url=product.address, cookies=cookies) as browser:
            assert browser.get("/limits").status_code == 200
            assert browser.get("/videos?text=teaser").status_code == 429
