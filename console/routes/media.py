"""The files of videos: whole or in ranges, to play or to keep."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from console import wiring

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


class StoredFileResponse(FileResponse):
    """A file in chunks of 1 MiB: fewer hops to the reading thread than Starlette's 64 KiB."""

    chunk_size = 1024 * 1024


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
