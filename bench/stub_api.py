"""An API that answers after a while and counts what is under way: `python -m bench.stub_api --seconds 3`.

Prints its port. `POST /` is the slow call; `GET /counts` tells what it saw. Ends when its standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

BACKLOG = 4096
END_OF_HEADERS = b"\r\n\r\n"


@dataclass(kw_only=True)
class Counts:
    """Slow calls: under way now, at most at once, and answered."""

    now: int = 0
    peak: int = 0
    answered: int = 0


class Call(asyncio.Protocol):
    """One connection, one call."""

    def __init__(self, counts: Counts, seconds: float) -> None:
        self._counts = counts
        self._seconds = seconds
        self._received = b""
        self._under_way = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        headers, end, body = self._received.partition(END_OF_HEADERS)
        if not end or len(body) < _body_length(headers) or self._under_way:
            return
        if headers.startswith(b"GET /counts "):
            self._answer(vars(self._counts))
            return
        self._under_way = True
        self._counts.now += 1
        self._counts.peak = max(self._counts.peak, self._counts.now)
        asyncio.get_running_loop().call_later(self._seconds, self._finish)

    def connection_lost(self, error: Exception | None) -> None:
        if self._under_way:  # whoever called went away
            self._under_way = False
            self._counts.now -= 1

    def _finish(self) -> None:
        if self._under_way:
            self._under_way = False
            self._counts.now -= 1
            self._counts.answered += 1
            self._answer({"text": "An answer."})

    def _answer(self, content: object) -> None:
        assert self._transport is not None
        body = json.dumps(content).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._transport.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        self._transport.close()


@dataclass(frozen=True, kw_only=True)
class StubApi:
    """A running stub, in a process of its own."""

    address: str  # HOST:PORT

    def counts(self) -> Counts:
        connection = http.client.HTTPConnection(self.address, timeout=10)
        connection.request("GET", "/counts")
        return Counts(**json.loads(connection.getresponse().read()))


@contextmanager
def stub_api(*, seconds: float) -> Iterator[StubApi]:
    command = [sys.executable, "-m", "bench.stub_api", "--seconds", str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield StubApi(address=f"127.0.0.1:{int(process.stdout.readline())}")
        process.stdin.close()


def _body_length(headers: bytes) -> int:
    for line in headers.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


async def _serve(seconds: float) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    counts = Counts()
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Call(counts, seconds), sock=listening, backlog=BACKLOG)
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.stub_api", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="that each call takes")
    asyncio.run(_serve(parser.parse_args().seconds))
