"""No session, a forged one, an expired one, a foreign page: nothing comes through the gate."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import anyio
import jwt
import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from console import api, route_table
from console.api.address import PREFIX
from console.gate import Gate, page_policy
from tests.web.fakes import ANA, NEW, FakeServices

SOME_ID = str(uuid4())
OPEN_ROUTES = {"/healthz", "/readyz", "/metrics", "/api/session", "/api/session/end"}
API_OPEN = {("POST", "/sessions"), ("GET", "/docs")}
OWN = sorted(
    (
        method,
        route.path.replace("{form}", "srt").split("{")[0] + SOME_ID * ("uuid" in route.path),
    )
    for route in route_table.OWN
    if route.path not in OPEN_ROUTES
    for method in (route.methods or set()) - {"HEAD"}
) + sorted(
    (method.upper(), PREFIX + re.sub(r"\{[^}]*\}", SOME_ID, path))
    for path, operations in api.openapi_document()["paths"].items()
    for method in operations
    if (method.upper(), path.removeprefix(PREFIX)) not in API_OPEN
)
STREAMLITS = (
    ("GET", "/media/0123456789abcdef.mp4"),
    ("GET", "/component/any/index.html"),
    ("GET", "/_stcore/bidi-components/any/index.js"),
    ("GET", "/_stcore/metrics"),
    ("GET", "/_stcore/script-health-check"),
    ("PUT", "/_stcore/upload_file/session/file"),
    ("POST", "/_stcore/agent/interact"),
    ("GET", "/auth/login"),
    ("GET", "/oauth2callback"),
    ("GET", "/docs"),
)


def forged() -> str:
    """What streamlit-authenticator accepts when nobody has changed its key."""
    body = {"username": "admin", "exp_date": datetime.now(UTC).timestamp() + 86400, "sub": "1"}
    return jwt.encode(body, "some_key", algorithm="HS256")


def expired(services: FakeServices) -> str:
    token = services.sessions.open(ANA)
    services.sessions.live[token] = replace(services.sessions.live[token], expires_at=datetime.now(UTC))
    return token


@pytest.mark.filterwarnings("ignore:The HMAC key")
@pytest.mark.parametrize("kind", ["none", "forged", "expired", "revoked", "empty"])
@pytest.mark.parametrize(("method", "path"), [*OWN, *STREAMLITS])
def test_without_a_valid_session_nothing_is_served(
    client: TestClient, services: FakeServices, method: str, path: str, kind: str
) -> None:
    if kind == "forged":
        client.cookies.set("backlot_session", forged())
        client.cookies.set("some_cookie_name", forged())
    elif kind == "expired":
        client.cookies.set("backlot_session", expired(services))
    elif kind == "revoked":
        token = services.sessions.open(ANA)
        services.sessions.revoke(services.sessions.live[token])
        client.cookies.set("backlot_session", token)
    elif kind == "empty":
        client.cookies.set("backlot_session", "")
    answer = client.request(method, path)
    assert answer.status_code in {401, 404}
    assert (answer.status_code == 404) == path.startswith(("/_stcore/upload_file", "/_stcore/agent"))
    assert set(answer.json()) == {"type", "title", "status", "detail"}


def test_every_own_route_is_in_the_list() -> None:
    assert len(OWN) >= 10
    assert not any("{" in path for _, path in OWN)


@pytest.mark.parametrize("path", ["/", "/upload", "/video", "/healthz", "/static/js/index.js", "/app/static/logo.svg"])
def test_what_carries_no_data_is_open(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/static/../api/v1/uploads", "//media/x", "/app/static/%2e%2e/media/x", "/MEDIA/x"])
def test_a_path_that_only_looks_open_is_not(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401


def test_with_a_session_the_rest_is_served(client: TestClient, services: FakeServices) -> None:
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    assert client.get("/media/x").text == "behind the gate"
    assert client.get("/api/nothing").status_code == 404


def test_a_one_time_password_opens_only_the_session_routes(client: TestClient, services: FakeServices) -> None:
    client.cookies.set("backlot_session", services.sessions.open(NEW))
    for method, path in OWN:
        answer = client.request(method, path)
        assert answer.status_code == 403
        assert "password" in answer.json()["detail"]
    assert client.post("/api/session/end").status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": "http://testserver.elsewhere.example"},
        {"origin": "http://testserver:81"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_site_cannot_act(client: TestClient, services: FakeServices, headers: dict[str, str]) -> None:
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    for method, path in [*OWN, ("POST", "/api/session"), ("POST", "/api/session/end")]:
        if method != "GET":
            assert client.request(method, path, headers=headers).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream", headers=headers):
        pass


def test_the_websocket_is_the_only_one_and_opens_for_the_own_page(client: TestClient) -> None:
    with client.websocket_connect("/_stcore/stream", headers={"origin": "http://testserver"}):
        pass
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/other"):
        pass


@pytest.mark.parametrize(("who", "bytes_brought"), [("a stranger", [10, 65_536]), ("somebody", [10, 65_536, 65_537])])
def test_a_stranger_cannot_fill_the_memory_by_the_websocket(
    services: FakeServices, who: str, bytes_brought: list[int]
) -> None:
    sent = iter([{"type": "websocket.receive", "bytes": b"x" * size} for size in (10, 65_536, 65_537)])
    brought: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(sent)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        brought.extend([await receive() for _ in range(3)])

    headers = [(b"host", b"testserver"), (b"origin", b"http://testserver")]
    if who == "somebody":
        headers.append((b"cookie", f"backlot_session={services.sessions.open(ANA)}".encode()))
    scope = {"type": "websocket", "path": "/_stcore/stream", "headers": headers, "subprotocols": []}
    anyio.run(Gate(application), scope, receive, receive)
    assert [len(message["bytes"]) for message in brought if message["type"] == "websocket.receive"] == bytes_brought
    assert ("websocket.disconnect" in {message["type"] for message in brought}) == (who == "a stranger")


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/api/v1/uploads", "/healthz"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in page_policy().split("script-src")[1].split(";")[0]
    assert "sha256-" in page_policy()
