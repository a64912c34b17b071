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
    """What the browser knows of a file. size is in bytes; fingerprint stays the same for the same file.

    again: the person knows that the same file was uploaded before.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=1000)
    size: int = Field(ge=0, le=2**53)
    fingerprint: str = Field(min_length=1, max_length=200)
    title: str | None = Field(default=None, max_length=300)
    again: bool = False


class Describe(BaseModel):
    """What the uploader wrote; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(default=None, max_length=300)
    tags: list[str] | None = Field(default=None, max_length=100)


def _described(upload: Upload) -> dict[str, str | int | tuple[str, ...]]:
    return {
        "id": str(upload.id),
        "offset": upload.offset,
        "part_size": upload.part_size,
        "title": upload.title,
        "tags": upload.tags,
    }


async def begin(request: Request) -> Response:
    """POST /api/uploads: {name, size, fingerprint, title, again} to {id, offset, part_size, title, tags}.

    A file that was begun and not finished goes on.

    A file that is a video of the same user already is answered with {duplicate: {video_id, title, when}} instead,
    and nothing is begun, until it is said that it is wanted again.
    """
    body = await read_body(request, Begin)
    uploads, user = wiring.services().uploads, request.state.session.user
    if not body.again:
        same = await run_in_threadpool(
            uploads.duplicate_of, user, file_name=body.name, size=body.size, fingerprint=body.fingerprint
        )
        if same is not None:
            found = {"video_id": str(same.video_id), "title": same.title, "when": same.uploaded_at.isoformat()}
            return JSONResponse({"duplicate": found})
    upload = await run_in_threadpool(
        uploads.begin, user, file_name=body.name, size=body.size, fingerprint=body.fingerprint, title=body.title
    )
    return JSONResponse(_described(upload), status_code=201)


async def unfinished(request: Request) -> Response:
    """GET /api/uploads: {uploads: [{id, name, size, offset, when}]} that stopped and may go on."""
    rows = await run_in_threadpool(wiring.services().uploads.unfinished, request.state.session.user)
    found = [
        {
            "id": str(row.id),
            "name": row.file_name,
            "size": row.size,
            "offset": row.offset,
            "when": row.touched_at.isoformat(),
        }
        for row in rows
    ]
    return JSONResponse({"uploads": found}, headers={"Cache-Control": "no-store"})


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


async def describe(request: Request) -> Response:
    """PATCH /api/uploads/{id}: {title, tags} of the video that it will be, until it is accepted."""
    body = await read_body(request, Describe)
    described = await run_in_threadpool(
        wiring.services().uploads.describe,
        request.state.session.user,
        request.path_params["upload_id"],
        title=body.title,
        tags=body.tags,
    )
    return JSONResponse({"title": described.title, "tags": described.tags})


async def discard(request: Request) -> Response:
    """DELETE /api/uploads/{id}: gives it up; what had arrived is forgotten."""
    await run_in_threadpool(
        wiring.services().uploads.discard, request.state.session.user, request.path_params["upload_id"]
    )
    return Response(status_code=204)


async def complete(request: Request) -> Response:
    """POST /api/uploads/{id}/complete: accepts the video and its job, and answers with both ids."""
    accepted = await run_in_threadpool(
        wiring.services().uploads.complete, request.state.session.user, request.path_params["upload_id"]
    )
    return JSONResponse({"video_id": str(accepted.video_id), "job_id": str(accepted.job_id)}, status_code=201)


routes = [
    Route("/api/uploads", begin, methods=["POST"]),
    Route("/api/uploads", unfinished, methods=["GET"]),
    Route("/api/uploads/{upload_id:uuid}", append, methods=["PUT"]),
    Route("/api/uploads/{upload_id:uuid}", status, methods=["GET"]),
    Route("/api/uploads/{upload_id:uuid}", describe, methods=["PATCH"]),
    Route("/api/uploads/{upload_id:uuid}", discard, methods=["DELETE"]),
    Route("/api/uploads/{upload_id:uuid}/complete", complete, methods=["POST"]),
]
