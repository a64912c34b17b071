"""Uploads: begun, sent in parts, resumed from the offset that the server names, completed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console import wiring
from console.routes.body import read_body
from services.errors import BadInput
from services.uploads import Upload

log = structlog.get_logger()


LONGEST_NUMBER = 16  # digits: browsers count bytes exactly up to 2**53


class Begin(BaseModel):
    """What the browser knows of a file. size is in bytes; fingerprint stays the same for the same file."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=1000)
    size: int = Field(ge=0, le=2**53)
    fingerprint: str = Field(min_length=1, max_length=200)
    title: str | None = Field(default=None, max_length=300)


def _described(upload: Upload) -> dict[str, str | int]:
    return {"id": str(upload.id), "offset": upload.offset, "part_size": upload.part_size}


async def begin(request: Request) -> Response:
    """POST /api/uploads: {name, size, fingerprint, title} to {id, offset, part_size}; a known file resumes."""
    body = await read_body(request, Begin)
    upload = await run_in_threadpool(
        wiring.services().uploads.begin,
        request.state.session.user,
        file_name=body.name,
        size=body.size,
        fingerprint=body.fingerprint,
        title=body.title,
    )
    return JSONResponse(_described(upload), status_code=201)


async def append(request: Request) -> Response:
    """PUT /api/uploads/{id}?offset=N: the next bytes, written as they come."""
    offset = request.query_params.get("offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) <= LONGEST_NUMBER):
        raise BadInput("Say with ?offset= where this part begins, in bytes.")

    async def chunks() -> AsyncIterator[bytes]:
        async for chunk in request.stream():
            if chunk:
                yield chunk

    upload_id = request.path_params["upload_id"]
    try:
        upload = await wiring.services().uploads.append(
            request.state.session.user, upload_id, offset=int(offset), chunks=chunks()
        )
    except ClientDisconnect:
        log.info("upload_cut", upload=str(upload_id))
        return Response(status_code=400)
    return JSONResponse(_described(upload))


async def status(request: Request) -> Response:
    """GET /api/uploads/{id}: how far it is, so that the sender can go on from there."""
    upload = await run_in_threadpool(
        wiring.services().uploads.status, request.state.session.user, request.path_params["upload_id"]
    )
    return JSONResponse(_described(upload), headers={"Cache-Control": "no-store"})


async def complete(request: Request) -> Response:
    """POST /api/uploads/{id}/complete: accepts the video and its job, and answers with both ids."""
    accepted = await run_in_threadpool(
        wiring.services().uploads.complete, request.state.session.user, request.path_params["upload_id"]
    )
    return JSONResponse({"video_id": str(accepted.video_id), "job_id": str(accepted.job_id)}, status_code=201)


routes = [
    Route("/api/uploads", begin, methods=["POST"]),
    Route("/api/uploads/{upload_id:uuid}", append, methods=["PUT"]),
    Route("/api/uploads/{upload_id:uuid}", status, methods=["GET"]),
    Route("/api/uploads/{upload_id:uuid}/complete", complete, methods=["POST"]),
]
