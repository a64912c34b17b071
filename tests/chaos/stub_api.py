"""An AI service on a bad day: `python -m tests.chaos.stub_api SEED` prints its port and serves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys

HANG_SECONDS = 20.0
ANSWERS = {"good": 70, "busy": 8, "broken": 8, "hang": 5, "garbage": 6, "refused": 3}  # of a hundred
STATUS = {
    "good": "200 OK",
    "garbage": "200 OK",
    "busy": "429 Too Many Requests\r\nRetry-After: 1",
    "broken": "503 Service Unavailable",
    "refused": "400 Bad Request",
}


async def serve(seed: int) -> None:
    """Answer every request with one of the answers, until whoever started this goes."""
    chooser = random.Random(seed)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            kind = chooser.choices(list(ANSWERS), list(ANSWERS.values()))[0]
            if kind == "hang":
                await asyncio.sleep(HANG_SECONDS)
            else:
                body = b"<html>" if kind == "garbage" else json.dumps({"text": "words"}).encode()
                head = f"HTTP/1.1 {STATUS[kind]}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
