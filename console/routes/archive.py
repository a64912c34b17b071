"""Everything of a video in one file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

import anyio
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from console import wiring


async def archive(request: Request) -> Response:
    """GET or HEAD /api/videos/{id}/archive.zip: all that was made; with ?source=1 also the uploaded file."""
    opened = await run_in_threadpool(
        wiring.services().archives.open,
        request.state.session.user,
        request.path_params["video_id"],
        source=request.query_params.get("source") == "1",
    )
    headers = {
        "Content-Length": str(opened.size),
        "Content-Disposition": f"attachment; filename*=utf-8''{quote(opened.name)}",
        "Cache-Control": "private, no-store",
        "Content-Encoding": "identity",  # nothing between may pack it again, and drop its length
    }
    if request.method == "HEAD":
        return Response(media_type="application/zip", headers=headers)
    return StreamingResponse(_sent(opened.chunks), media_type="application/zip", headers=headers)


async def _sent(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks; whoever leaves ends the reading, and the file that was open is closed."""
    try:
        async for chunk in iterate_in_threadpool(chunks):
            yield chunk
    finally:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(_close, chunks)


def _close(chunks: Iterator[bytes]) -> None:
    close = getattr(chunks, "close", None)
    if close is not None:
        close()


routes = [Route("/api/videos/{video_id:uuid}/archive.zip", archive, methods=["GET"])]
