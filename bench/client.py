"""The HTTP client that stands for a browser: signs in with a ticket, uploads in parts."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from uuid import UUID

from bench.report import Wrong
from services.receiving import fingerprint_of

BLOCK = 256 * 1024
TIMEOUT = 60.0
SETTLING = 0.2  # seconds in which a server notices that a connection broke


@dataclass(frozen=True, kw_only=True)
class Sent:
    """An accepted upload; accepted_s is from the last byte, handed to the network, to the answer that accepts it."""

    video_id: UUID
    job_id: UUID
    accepted_s: float


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A connection that broke: the bytes handed over until then, and those of them that the server has."""

    handed_over: int
    kept: int


class Client:
    """One signed-in browser."""

    def __init__(self, address: str, ticket: str) -> None:
        self._host = urlsplit(address).netloc
        self._cookie = ""
        connection = self._connect()
        response = _ask(connection, "POST", "/api/session", {"ticket": ticket}, {})
        self._cookie = (response.getheader("Set-Cookie") or "").split(";")[0]
        connection.close()

    def upload(self, path: Path, *, name: str) -> Sent:
        """Begin, send all parts, complete: as the upload page does. Raises Wrong for any other answer than success."""
        connection = self._connect()
        begun = self._begin(connection, path, name)
        offset, size, last_byte = int(begun["offset"]), path.stat().st_size, 0.0
        with path.open("rb") as file:
            while offset < size:
                length = min(int(begun["part_size"]), size - offset)
                self._start_part(connection, begun["id"], offset, length)
                _send(connection, file, offset, length)
                last_byte = time.perf_counter()
                offset = int(json.loads(_answer(connection, "PUT").read())["offset"])
        headers = {"Cookie": self._cookie}
        accepted = json.loads(_ask(connection, "POST", f"/api/v1/uploads/{begun['id']}/complete", {}, headers).read())
        accepted_s = time.perf_counter() - last_byte
        connection.close()
        return Sent(video_id=UUID(accepted["video_id"]), job_id=UUID(accepted["job_id"]), accepted_s=accepted_s)

    def send_cut(self, path: Path, *, at: int) -> Cut:
        """Begin and send until the connection breaks at this byte, in the midst of a part."""
        connection = self._connect()
        begun = self._begin(connection, path, path.name)
        offset, size, part_size = int(begun["offset"]), path.stat().st_size, int(begun["part_size"])
        with path.open("rb") as file:
            while offset + part_size <= at:
                self._start_part(connection, begun["id"], offset, part_size)
                _send(connection, file, offset, part_size)
                offset = int(json.loads(_answer(connection, "PUT").read())["offset"])
            self._start_part(connection, begun["id"], offset, min(part_size, size - offset))
            _send(connection, file, offset, at - offset)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no goodbye
        connection.close()
        return Cut(handed_over=at, kept=self._settled_offset(begun["id"]))

    def _settled_offset(self, upload_id: str) -> int:
        """Where the upload stands once what was underway is written."""
        connection, known = self._connect(), -1
        while True:
            asked = f"/api/v1/uploads/{upload_id}"
            found = int(json.loads(_ask(connection, "GET", asked, {}, {"Cookie": self._cookie}).read())["offset"])
            if found == known:
                connection.close()
                return found
            known = found
            time.sleep(SETTLING)

    def _begin(self, connection: http.client.HTTPConnection, path: Path, name: str) -> dict[str, str]:
        body = {"name": name, "size": path.stat().st_size, "fingerprint": fingerprint_of(path), "again": True}
        begun: dict[str, str] = json.loads(
            _ask(connection, "POST", "/api/v1/uploads", body, {"Cookie": self._cookie}).read()
        )
        return begun

    def _start_part(self, connection: http.client.HTTPConnection, upload_id: str, offset: int, length: int) -> None:
        connection.putrequest("PUT", f"/api/v1/uploads/{upload_id}?offset={offset}")
        connection.putheader("Cookie", self._cookie)
        connection.putheader("Content-Length", str(length))
        connection.endheaders()

    def download(self, path: str) -> int:
        """Read all that lies at an address of the product, as a player that never stops; how many bytes it was."""
        connection = self._connect()
        connection.request("GET", path, headers={"Cookie": self._cookie, "Range": "bytes=0-"})
        response, count = _answer(connection, f"GET {path}"), 0
        while block := response.read(BLOCK):
            count += len(block)
        connection.close()
        return count

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, timeout=TIMEOUT)


def _send(connection: http.client.HTTPConnection, file: IO[bytes], offset: int, length: int) -> None:
    file.seek(offset)
    for start in range(0, length, BLOCK):
        connection.send(file.read(min(BLOCK, length - start)))


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Mapping[str, object],
    headers: Mapping[str, str],
) -> http.client.HTTPResponse:
    connection.request(method, path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    return _answer(connection, f"{method} {path}")


def _answer(connection: http.client.HTTPConnection, asked: str) -> http.client.HTTPResponse:
    response = connection.getresponse()
    if not 200 <= response.status < 300:
        raise Wrong(f"{asked} was answered with {response.status}: {response.read(500)!r}")
    return response
