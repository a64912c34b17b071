"""Programs come in with a token in place of a cookie; and what keeps a browser's session in use is a person."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.web.fakes import ANA, BO, FakeServices

SOMEWHERE = "/api/v1/nothing"
FOREIGN = {"origin": "https://elsewhere.example"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(params=["sign-in", "token"])
def token(request: pytest.FixtureRequest, services: FakeServices) -> str:
    if request.param == "sign-in":
        return services.sessions.open(BO, address="127.0.0.1", user_agent="curl")[0]
    return services.tokens.create(BO, name="nightly", days=7).token


def test_a_token_opens_the_api_and_nothing_else(client: TestClient, token: str) -> None:
    assert client.get(SOMEWHERE, headers=bearer(token)).status_code == 404
    assert client.post(SOMEWHERE, headers=bearer(token) | FOREIGN).status_code == 404  # no cookie: nothing to abuse
    for path in ("/media/x", "/api/live", "/api/notifications"):
        assert client.get(path, headers=bearer(token)).status_code == 401


@pytest.mark.parametrize("wrong", ["", "x", "backlot_", "backlot_nobody", "a.b.c"])
def test_a_wrong_token_opens_nothing_also_beside_a_good_cookie(
    client: TestClient, services: FakeServices, wrong: str
) -> None:
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    assert client.get(SOMEWHERE).status_code == 404
    assert client.get(SOMEWHERE, headers=bearer(wrong)).status_code == 401


def test_a_revoked_token_opens_nothing(client: TestClient, services: FakeServices) -> None:
    made = services.tokens.create(BO, name="nightly", days=7)
    services.tokens.revoke(BO, made.view.id)
    assert client.get(SOMEWHERE, headers=bearer(made.token)).status_code == 401


def test_another_scheme_is_no_token(client: TestClient, token: str) -> None:
    assert client.get(SOMEWHERE, headers={"Authorization": f"Basic {token}"}).status_code == 401


def test_what_comes_by_itself_is_no_use_of_a_session(client: TestClient, services: FakeServices) -> None:
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    for path in ("/api/notifications", "/api/v1/limits", "/media/x"):
        client.get(path)
    assert services.sessions.used == []


def test_what_a_person_does_is_use(client: TestClient, services: FakeServices) -> None:
    cookie = services.sessions.open(ANA)
    client.cookies.set("backlot_session", cookie)
    assert client.post("/api/session/use").status_code == 204
    client.get("/api/files/5e6d567e-c6c3-4e56-ad5e-5f21442363c6")
    assert services.sessions.used == [cookie] * 2


def test_signing_in_ends_the_session_that_the_browser_had(client: TestClient, services: FakeServices) -> None:
    before = services.sessions.open(BO)
    client.cookies.set("backlot_session", before)
    assert client.post("/api/session", json={"ticket": services.sessions.issue_ticket(ANA)}).status_code == 204
    assert before not in services.sessions.live
    assert [session.user for session in services.sessions.live.values()] == [ANA]
