"""The gate and the own routes around a stand-in for Streamlit, and a real server of the pages, both on fakes."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from console import wiring
from console.gate import Gate
from console.routes import ROUTES
from console.routes.answers import answer_error
from services.errors import BacklotError
from tests.web.fakes import FakeServices

ROOT = Path(__file__).parents[2]
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
        exception_handlers={BacklotError: answer_error},
    )
    with TestClient(application) as browser:
        yield browser


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def page_server() -> Iterator[str]:
    """The address of a real Streamlit server with the product's pages, on the fakes of fake_server.py."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.web.fake_server", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=1).close()  # noqa: S310  our own http address
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, "the server ended at its start"
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)
