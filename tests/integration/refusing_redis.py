"""A Redis whose day's commands are used up: it takes connections and answers each command with the same error."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

OVER_QUOTA = b"-ERR max daily request limit exceeded. Limit: 10000, Usage: 10000\r\n"


class RefusingRedis:
    """Serves on a port of its own until it is closed; counts the commands it refused."""

    def __init__(self) -> None:
        self.refused = 0
        self._open: set[socket.socket] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"redis://:some-password@127.0.0.1:{self.port}/0"

    def close(self) -> None:
        for ended in (self._socket, *self._open):
            with suppress(OSError):
                ended.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._refuse, args=(connection,), daemon=True).start()

    def _refuse(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while heard := connection.recv(1 << 16):
                commands = heard.count(b"\r\n*") + heard.startswith(b"*")  # each begins with its number of parts
                self.refused += commands
                connection.sendall(OVER_QUOTA * commands)
        self._open.discard(connection)
