"""The gate and the own routes around a stand-in for Streamlit, and a real server of the pages, both on fakes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from console import wiring
from console.gate import Gate
from console.route_table import ROUTES
from console.routes.answers import answer_crash, answer_error, answer_http
from services.errors import BacklotError
from tests.web.fakes import FakeServices
from tests.web.serving import ROOT, free_port, serving

__all__ = ["ROOT", "free_port"]

ORIGIN = "http://testserver"


async def leak(request: Request) -> Response:
    """Stands for whatever Streamlit would serve behind the gate."""
    return PlainTextResponse("behind the gate")


async def stream(websocket: WebSocket) -> None:
    """Stands for Streamlit's websocket."""
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    fakes = FakeServices()
    monkeypatch.setattr(wiring, "services", lambda: fakes)
    monkeypatch.setattr(wiring, "settings", lambda: fakes.settings)
    return fakes


@pytest.fixture
def client(services: FakeServices) -> Iterator[TestClient]:
    application = Starlette(
        routes=[
            *ROUTES,
            Route("/{rest:path}", leak, methods=["GET", "POST", "PUT", "DELETE"]),
            WebSocketRoute("/_stcore/stream", stream),
            WebSocketRoute("/other", stream),
        ],
        middleware=[Middleware(Gate), Middleware(GZipMiddleware, minimum_size=500)],
        exception_handlers={BacklotError: answer_error, HTTPException: answer_http, Exception: answer_crash},
    )
    with TestClient(application) as browser:
        yield browser


@pytest.fixture(scope="session")
def page_server() -> Iterator[str]:
    """The address of a real Streamlit server with the product's pages, on the fakes of fake_server.py."""
    with serving() as address:
        yield address
