"""Many browsers on the live stream, as one process: `python -m bench.live_viewers ADDRESS`.

It reads one cookie a line and then an empty line, says `ready` once every viewer has its snapshot, and answers an
empty line with one line of JSON: what came, and how long each update took.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from urllib.parse import urlsplit

MESSAGE = "bench {job} {number} {at:.6f}"  # of an update: which job, its how-manieth, and when it was told
_TOLD = re.compile(rb'"message":"bench (\d+) (\d+) (\d+\.\d+)"')
SNAPSHOT = b"event: snapshot\n"
BLOCK = 1 << 16


class Viewer:
    """One stream: the updates that came, each once, with their delays in milliseconds."""

    def __init__(self) -> None:
        self.delays: dict[tuple[int, int], float] = {}
        self.has_snapshot = asyncio.Event()

    async def watch(self, address: str, cookie: str) -> None:
        parts = urlsplit(address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
        writer.write(
            f"GET /api/live HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookie}\r\n"
            "Accept-Encoding: gzip\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        unread = b""
        while block := await reader.read(BLOCK):
            now = time.time()
            *events, unread = (unread + block).split(b"\n\n")
            for event in events:
                if SNAPSHOT in event:
                    self.has_snapshot.set()
                elif told := _TOLD.search(event):
                    self.delays.setdefault((int(told[1]), int(told[2])), 1000 * (now - float(told[3])))


async def _run(address: str, cookies: list[str]) -> None:
    viewers = [Viewer() for _ in cookies]
    tasks = [
        asyncio.create_task(viewer.watch(address, cookie)) for viewer, cookie in zip(viewers, cookies, strict=True)
    ]
    for viewer, task in zip(viewers, tasks, strict=True):
        snapshot = asyncio.create_task(viewer.has_snapshot.wait())
        await asyncio.wait({snapshot, task}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            raise ConnectionError("a stream ended before its snapshot")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    ended = sum(task.done() for task in tasks)
    delays = [delay for viewer in viewers for delay in viewer.delays.values()]
    sys.stdout.write(json.dumps({"delays_ms": delays, "ended": ended}) + "\n")


if __name__ == "__main__":
    given = []
    while line := sys.stdin.readline().strip():
        given.append(line)
    asyncio.run(_run(sys.argv[1], given))
