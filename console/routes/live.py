"""The stream of live status: what one user may see, as server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from console import cookie, wiring
from console.streams import PING_SECONDS, STREAMS, Stream
from services.errors import BadInput
from services.live import Viewer
from services.model import Session

MOST_ASKED_FOR = 50  # jobs that a browser may name
JOINS = anyio.CapacityLimiter(8)  # threads that a database that does not answer may hold: not those of everything else
RETRY = b"retry: 2000\n\n"
PING = b": still here\n\n"
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}


async def live(request: Request) -> Response:
    """GET /api/live?job=ID&job=ID: a snapshot, then changes, as long as the session stands.

    job names jobs whose end the browser may have missed.
    """
    if request.method == "HEAD":
        return Response(headers=HEADERS)
    try:
        job_ids = [UUID(value) for value in request.query_params.getlist("job")][:MOST_ASKED_FOR]
    except ValueError as error:
        raise BadInput("A job is named by its id.") from error
    session: Session = request.state.session
    token = cookie.read(request.cookies, wiring.settings()) or ""
    return EventStream(STREAMS.open(session, token), job_ids)


class EventStream(Response):
    """Sends what the hub tells one viewer, until the browser leaves or the stream is ended."""

    def __init__(self, stream: Stream, job_ids: Sequence[UUID]) -> None:
        super().__init__(headers=HEADERS)
        self._stream = stream
        self._job_ids = job_ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = self._stream
        leaving = asyncio.create_task(_end_with_browser(receive, stream))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _without_length(self.raw_headers)})
            await send({"type": "http.response.body", "body": RETRY, "more_body": True})
            with anyio.CancelScope(shield=True):  # a viewer that joined must be known here, to leave
                viewer = await anyio.to_thread.run_sync(self._join, limiter=JOINS)
            try:
                await self._send_news(viewer, send)
            finally:
                wiring.services().live.leave(viewer)
        finally:
            STREAMS.close(stream)
            leaving.cancel()

    async def _send_news(self, viewer: Viewer, send: Send) -> None:
        stream = self._stream
        while stream.ended is None:
            await stream.news.wait()
            stream.news.clear()
            is_silent = time.monotonic() - stream.sent_at >= PING_SECONDS
            if body := viewer.take() or (PING if is_silent else b""):
                stream.sent_at = time.monotonic()
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": stream.last_words()})

    def _join(self) -> Viewer:
        return wiring.services().live.join(self._stream.session.user, self._stream.wake, also=self._job_ids)


def _without_length(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name != b"content-length"]


async def _end_with_browser(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end("gone")


routes = [Route("/api/live", live, methods=["GET"])]
