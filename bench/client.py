"""The HTTP client that stands for a browser: signs in with a ticket, uploads in parts."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from bench.report import Wrong
from services.receiving import fingerprint_of

BLOCK = 256 * 1024
TIMEOUT = 60.0


@dataclass(frozen=True, kw_only=True)
class Sent:
    """An accepted upload; accepted_s is from the last byte, handed to the network, to the answer that accepts it."""

    video_id: UUID
    job_id: UUID
    accepted_s: float


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
        headers = {"Cookie": self._cookie}
        size = path.stat().st_size
        body = {"name": name, "size": size, "fingerprint": fingerprint_of(path), "again": True}
        begun = json.loads(_ask(connection, "POST", "/api/uploads", body, headers).read())
        offset, last_byte = int(begun["offset"]), 0.0
        with path.open("rb") as file:
            file.seek(offset)
            while offset < size:
                length = min(int(begun["part_size"]), size - offset)
                connection.putrequest("PUT", f"/api/uploads/{begun['id']}?offset={offset}")
                connection.putheader("Cookie", self._cookie)
                connection.putheader("Content-Length", str(length))
                connection.endheaders()
                for start in range(0, length, BLOCK):
                    connection.send(file.read(min(BLOCK, length - start)))
                last_byte = time.perf_counter()
                offset = int(json.loads(_answer(connection, "PUT").read())["offset"])
        accepted = json.loads(_ask(connection, "POST", f"/api/uploads/{begun['id']}/complete", {}, headers).read())
        accepted_s = time.perf_counter() - last_byte
        connection.close()
        return Sent(video_id=UUID(accepted["video_id"]), job_id=UUID(accepted["job_id"]), accepted_s=accepted_s)

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, timeout=TIMEOUT)


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
