"""The cookie: how it comes, what it is like, how it goes."""

from __future__ import annotations

from http.cookies import SimpleCookie

from starlette.testclient import TestClient

from tests.web.fakes import ANA, FakeServices


def test_a_ticket_becomes_a_cookie_once(client: TestClient, services: FakeServices) -> None:
    ticket = services.sessions.issue_ticket(ANA)
    answer = client.post("/api/session", json={"ticket": ticket})
    assert answer.status_code == 204
    cookie = SimpleCookie(answer.headers["set-cookie"])["backlot_session"]
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert services.sessions.verify(cookie.value).user == ANA
    again = client.post("/api/session", json={"ticket": ticket})
    assert again.status_code == 401
    assert "set-cookie" not in again.headers


def test_under_tls_the_cookie_is_bound_to_the_host(client: TestClient, services: FakeServices) -> None:
    services.settings = services.settings.model_copy(update={"secure_cookies": True})
    answer = client.post("/api/session", json={"ticket": services.sessions.issue_ticket(ANA)})
    cookie = SimpleCookie(answer.headers["set-cookie"])["__Host-backlot_session"]
    assert cookie["secure"]
    assert answer.headers["strict-transport-security"]


def test_signing_out_revokes_and_deletes(client: TestClient, services: FakeServices) -> None:
    token = services.sessions.open(ANA)
    client.cookies.set("backlot_session", token)
    assert client.get("/api/nothing").status_code == 404
    answer = client.post("/api/session/end")
    assert SimpleCookie(answer.headers["set-cookie"])["backlot_session"]["max-age"] == "0"
    client.cookies.set("backlot_session", token)
    assert client.get("/api/nothing").status_code == 401


def test_a_body_that_cannot_be_read_is_refused(client: TestClient) -> None:
    for content in (b"", b"{", b"[]", b'{"ticket": 1}', b'{"ticket": "a", "more": 1}', b"x" * 20_000):
        answer = client.post("/api/session", content=content)
        assert answer.status_code == 400
        assert "Traceback" not in answer.text
