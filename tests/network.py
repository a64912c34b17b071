"""A network between the product and its servers that can be slow, cut, or silent.

`python -m tests.network --to HOST:PORT --delay 0.0155` runs one by itself and prints its port: a benchmark's network
must not share an interpreter with what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit

BLOCK = 1 << 16


class Network:
    """Carries bytes to one server from a port of its own on loopback.

    delay is in seconds each way, so half a round trip. All methods may be called from any thread.
    """

    def __init__(self, host: str, port: int, *, delay: float = 0.0) -> None:
        self.delay = delay
        self._target = host, port
        self._refuses = False
        self._flows = threading.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self._server = self._on_loop(lambda: asyncio.start_server(self._carry, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break every connection, and refuse new ones until it is mended."""
        self._refuses = True
        self._loop.call_soon_threadsafe(self._break_all)

    def mend(self) -> None:
        """Carry again: after a cut, a silence or a delay."""
        self.delay = 0.0
        self._refuses = False
        self._flows.set()

    def hang(self) -> None:
        """Carry nothing more, and break nothing: a half-open connection."""
        self._flows.clear()

    def url(self, url: str) -> str:
        """The same address, through this network."""
        parts = urlsplit(url)
        userinfo, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{userinfo}{at}127.0.0.1:{self.port}"))

    def close(self) -> None:
        self._flows.set()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        """Returns when nothing is left that would be torn down with the loop."""
        self._server.close()  # first: whoever is cut off comes again at once
        await asyncio.sleep(0.02)
        carrying = asyncio.all_tasks() - {asyncio.current_task()}
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
        # Also what closes and waits for a reader who may never come.
        for transport in list(self._loop._transports.values()):  # type: ignore[attr-defined]
            transport.abort()
        await asyncio.sleep(0.05)

    def _on_loop(self, work: Callable[[], Awaitable[asyncio.Server]]) -> asyncio.Server:
        async def wait() -> asyncio.Server:
            return await work()

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result(10)

    def _break_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        try:
            if self._refuses:
                return
            with contextlib.suppress(OSError):
                onward_reader, onward_writer = await asyncio.open_connection(*self._target)
                ends.add(onward_writer)
            if self._refuses or len(ends) == 1:  # also where it was cut while the connection was being opened
                return
            self._open |= ends
            await asyncio.gather(self._pour(reader, onward_writer), self._pour(onward_reader, writer))
            for end in ends:
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()
        finally:
            self._open -= ends
            for end in ends:  # whatever ended it, this one too: nobody else knows of them
                end.transport.abort()

    async def _pour(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Each block arrives `delay` after it came, in order, however many are on their way."""
        on_their_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, block = await on_their_way.get()
                if (wait := due - self._loop.time()) > 0:
                    await asyncio.sleep(wait)
                while not self._flows.is_set():
                    await asyncio.sleep(0.02)
                if not block:
                    return
                writer.write(block)
                await writer.drain()

        delivery = asyncio.ensure_future(deliver())
        with contextlib.suppress(ConnectionError):
            while block := await reader.read(BLOCK):
                on_their_way.put_nowait((self._loop.time() + self.delay, block))
        on_their_way.put_nowait((self._loop.time() + self.delay, b""))
        with contextlib.suppress(ConnectionError):
            await delivery
        writer.close()


def of_url(url: str, *, delay: float = 0.0) -> Network:
    """A network to the server of a URL."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError("the URL names no host and port")
    return Network(parts.hostname, parts.port, delay=delay)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.network", description=__doc__)
    parser.add_argument("--to", required=True, metavar="HOST:PORT")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds each way")
    arguments = parser.parse_args()
    host, _, port = arguments.to.rpartition(":")
    sys.stdout.write(f"{Network(host, int(port), delay=arguments.delay).port}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until whoever started it goes


if __name__ == "__main__":
    main()
