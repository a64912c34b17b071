"""The files of videos: whole or in ranges, to play or to keep."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from console import wiring
from console.routes.answers import problem

# What a browser may show in place. Anything else is only ever saved, as bytes.
SHOWN_IN_PLACE = frozenset(
    {
        "video/mp4",
        "video/webm",
        "video/quicktime",
        "video/x-matroska",
        "audio/mpeg",
        "audio/mp4",
        "audio/ogg",
        "audio/wav",
        "audio/x-wav",
        "audio/flac",
        "image/jpeg",
        "image/png",
        "image/webp",
    }
)


RANGES: Mapping[int, str] = {
    400: "This Range cannot be read. Write it as bytes=FIRST-LAST.",
    416: "The file ends before this Range begins. Content-Range says how long it is.",
}


class StoredFileResponse(FileResponse):
    """A file in chunks of 1 MiB: fewer hops to the reading thread than Starlette's 64 KiB."""

    chunk_size = 1024 * 1024

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A range that cannot be sent is told as every other problem."""
        refused = False

        async def send_or_refuse(message: MutableMapping[str, Any]) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in RANGES:
                refused = True
                told = Headers(raw=message["headers"])
                headers = {name: told[name] for name in ("content-range",) if name in told}
                await problem(message["status"], RANGES[message["status"]], headers=headers)(scope, receive, send)
            if not refused:
                await send(message)

        await super().__call__(scope, receive, send_or_refuse)


async def file(request: Request) -> Response:
    """GET or HEAD /api/files/{id}: the file, or the Range of it; with ?download=1 under its own name.

    Stored files never change, so the browser may keep them, privately.
    """
    stored = await run_in_threadpool(
        wiring.services().videos.open_file, request.state.session.user, request.path_params["file_id"]
    )
    etag = f'"{stored.etag.strip(chr(34))}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, max-age=3600",
        "X-Content-Type-Options": "nosniff",
        # Without it Streamlit's middleware would gzip whole files of unknown type, and drop their length.
        "Content-Encoding": "identity",
    }
    known = {part.strip() for part in request.headers.get("if-none-match", "").split(",")}
    if etag in known:
        return Response(status_code=304, headers=headers)
    shown = stored.media_type in SHOWN_IN_PLACE
    download = "download" in request.query_params or not shown
    return StoredFileResponse(
        stored.path,
        media_type=stored.media_type if shown else "application/octet-stream",
        filename=stored.name,
        content_disposition_type="attachment" if download else "inline",
        headers=headers,
    )


routes = [Route("/api/files/{file_id:uuid}", file, methods=["GET"])]
