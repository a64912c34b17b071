"""A browser on the live stream, as raw as it comes over the wire."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from urllib.parse import urlsplit

import pytest

LAST_CHUNK = b"\r\n0\r\n\r\n"


class Stream:
    """One GET /api/live. raw is all that came, headers and chunk sizes included."""

    def __init__(
        self, address: str, *, token: str, query: str = "", reads: bool = True, receive_buffer: int | None = None
    ) -> None:
        parts = urlsplit(address)
        self.raw = b""
        self.ended = False
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self._socket.connect((parts.hostname, parts.port))
        except OSError:
            self._socket.close()
            raise
        self._socket.sendall(
            f"GET /api/live{query} HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: backlot_session={token}\r\n"
            "Accept: text/event-stream\r\nAccept-Encoding: gzip, br\r\n\r\n".encode()
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        if reads:
            self._thread.start()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave without a word, as a closed tab does."""
        if not self.ended:
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(5)
        self._socket.close()

    def wait_for(self, words: bytes, *, within: float = 5.0) -> float:
        """Seconds until these words have come."""
        started = time.monotonic()
        while words not in self.raw:
            if time.monotonic() - started > within:
                pytest.fail(f"{words!r} did not come within {within} s; what came ends with {self.raw[-500:]!r}")
            time.sleep(0.01)
        return time.monotonic() - started

    def wait_for_end(self, *, within: float) -> None:
        """Until the answer is complete, whatever becomes of the connection."""
        self.wait_for(LAST_CHUNK, within=within)

    @property
    def head(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[0].decode()

    def _read(self) -> None:
        try:
            while block := self._socket.recv(65536):
                self.raw += block
        except OSError:
            pass
        self.ended = True
