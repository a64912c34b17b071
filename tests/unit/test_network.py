"""The tests' own network: what the degrade and chaos tests believe it does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.network import Network


@pytest.fixture
def echo() -> Iterator[Network]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=repeat, args=(connection,), daemon=True).start()

    def repeat(connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError):
            while block := connection.recv(100):
                connection.sendall(block)

    threading.Thread(target=serve, daemon=True).start()
    network = Network(*listener.getsockname())
    yield network
    network.close()
    listener.close()


def connected(network: Network) -> socket.socket:
    return socket.create_connection(("127.0.0.1", network.port), timeout=1)


def seconds(connection: socket.socket) -> float:
    started = time.monotonic()
    connection.sendall(b"x")
    assert connection.recv(1) == b"x"
    return time.monotonic() - started


def test_it_is_quick_slow_silent_and_cut(echo: Network) -> None:
    with connected(echo) as connection:
        assert seconds(connection) < 0.1
        echo.delay = 0.1
        assert 0.2 <= seconds(connection) < 0.4
        echo.mend()
        echo.hang()
        with pytest.raises(TimeoutError):
            seconds(connection)
        echo.mend()
        assert connection.recv(1) == b"x"
        echo.cut()
        with pytest.raises((ConnectionError, AssertionError)):  # reset, or an end of what is read
            seconds(connection)
    with connected(echo) as refused, pytest.raises((ConnectionError, AssertionError)):
        seconds(refused)
    echo.mend()
    with connected(echo) as mended:
        assert seconds(mended) < 0.1


def test_a_connection_that_is_just_being_opened_does_not_outlive_a_cut(
    echo: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens, may_open = threading.Event(), threading.Event()
    open_connection = asyncio.open_connection

    async def open_late(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        opens.set()
        while not may_open.is_set():
            await asyncio.sleep(0.01)
        return await open_connection(host, port)

    monkeypatch.setattr(asyncio, "open_connection", open_late)
    with connected(echo) as connection:
        assert opens.wait(2)
        echo.cut()
        may_open.set()
        with pytest.raises((ConnectionError, AssertionError)):  # reset, or closed without an answer
            seconds(connection)
