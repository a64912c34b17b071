"""Whatever does not work under /api/ is told as RFC 9457 has it, by the API and by the routes of the pages alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from services.errors import LimitReached
from services.model import LimitName, User
from tests.web.conftest import client, services
from tests.web.fakes import ANA, NEW, PASSWORD, FakeServices, a_video, store

__all__ = ["client", "services"]

LARGE = 70 * 1024


@pytest.fixture(autouse=True)
def signed_in(client: TestClient, services: FakeServices) -> None:
    client.cookies.set("backlot_session", services.sessions.open(ANA))


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/api/nothing", b"", 404),
        ("GET", "/api/v1", b"", 404),
        ("GET", "/api/v1/nothing", b"", 404),
        ("GET", "/api/v1/videos/7", b"", 404),
        ("GET", f"/api/v1/videos/{uuid4()}", b"", 404),
        ("GET", f"/api/files/{uuid4()}", b"", 404),
        ("GET", "/api/session", b"", 405),
        ("PROPFIND", "/api/notifications", b"", 405),
        ("DELETE", "/api/v1/uploads", b"", 405),
        ("POST", "/api/v1/uploads", b"{", 422),
        ("POST", "/api/v1/uploads", b"x" * LARGE, 413),
        ("POST", "/api/notifications/read", b"x" * LARGE, 413),
        ("POST", "/api/notifications/read", b"{", 400),
        ("POST", "/api/v1/sessions", b'{"name": "bo", "password": "wrong"}', 401),
    ],
)
def test_every_refusal_has_one_shape(client: TestClient, method: str, path: str, sent: bytes, status: int) -> None:
    answer = client.request(method, path, content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["type"] == "about:blank"
    assert told["title"]
    assert told["detail"].endswith(".")
    assert ("errors" in told) == (status == 422)


def test_a_large_body_of_unknown_length_is_cut_off_as_well(client: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(LARGE // 1024):
            yield b"x" * 1024

    for path in ("/api/v1/tokens", "/api/notifications/read"):
        answer = client.post(path, content=pieces(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["status"] == 413


def test_a_wrong_method_is_told_every_right_one(client: TestClient) -> None:
    assert client.delete("/api/v1/uploads").headers["allow"] == "GET, POST"
    assert client.post(f"/api/v1/uploads/{uuid4()}").headers["allow"] == "DELETE, GET, PATCH, PUT"
    assert client.get("/api/session").headers["allow"] == "POST"


def test_what_cannot_be_read_is_named_and_not_repeated(client: TestClient) -> None:
    told = client.post("/api/v1/tokens", json={"name": "", "days": "many", "secret": "abc"}).json()
    assert {error["field"] for error in told["errors"]} == {"body.name", "body.days", "body.secret"}
    assert "many" not in str(told)
    assert "abc" not in str(told)
    assert client.get("/api/v1/videos?sort=best&tags=x").json()["errors"][0]["field"].startswith("query.")


def test_a_crash_is_told_without_its_reason(
    client: TestClient, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(user: User) -> None:
        raise ZeroDivisionError("the secret of the crash")

    monkeypatch.setattr(services.uploads, "unfinished", broken)
    monkeypatch.setattr(services.notifications, "inbox", broken)
    outside = TestClient(client.app, raise_server_exceptions=False, cookies=dict(client.cookies))
    for path in ("/api/v1/uploads", "/api/notifications"):
        answer = outside.get(path)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret" not in answer.text


def test_a_range_that_a_file_does_not_have_is_a_problem_too(
    client: TestClient, services: FakeServices, tmp_path: Path
) -> None:
    kept = tmp_path / "film"
    kept.write_bytes(b"0123456789")
    detail = store(services, a_video(), lambda role: kept)
    some_file = f"/api/v1/files/{detail.files[0].id}"
    whole = client.get(some_file)
    assert whole.status_code == 200
    assert client.get(some_file, headers={"Range": "bytes=0-0"}).content == whole.content[:1]
    for wanted, status in (("bytes=999999-", 416), ("bites=0-1", 400)):
        answer = client.get(some_file, headers={"Range": wanted})
        assert answer.status_code == status
        assert answer.json()["status"] == status
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert ("content-range" in answer.headers) == (status == 416)


def test_signing_in(client: TestClient, services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    client.cookies.clear()
    answer = client.post("/api/v1/sessions", json={"name": "bo", "password": PASSWORD})
    assert answer.status_code == 201
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert client.get("/api/v1/me", headers=headers).json()["user"] == {"id": 2, "name": "bo", "role": "creator"}
    assert client.delete("/api/v1/sessions/current", headers=headers).status_code == 204
    refused = client.get("/api/v1/me", headers=headers)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert client.post("/api/v1/sessions", json={"name": NEW.name, "password": PASSWORD}).status_code == 403
    assert len(services.sessions.live) == 1  # of the fixture: none was opened for whoever must choose a password

    def locked(*args: object, **kwargs: object) -> None:
        raise LimitReached("Too many failed sign-ins.", retry_after=90, limit=LimitName.REQUESTS)

    monkeypatch.setattr(services.accounts, "sign_in", locked)
    answer = client.post("/api/v1/sessions", json={"name": "bo", "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "90")


def test_an_api_token_is_not_signed_out_but_revoked(client: TestClient, services: FakeServices) -> None:
    client.cookies.clear()
    made = services.tokens.create(ANA, name="a script", days=7)
    headers = {"Authorization": f"Bearer {made.token}"}
    assert client.delete("/api/v1/sessions/current", headers=headers).status_code == 409
    assert client.delete(f"/api/v1/tokens/{made.view.id}", headers=headers).status_code == 204
    assert client.get("/api/v1/me", headers=headers).status_code == 401
