"""Uploads: begun, sent in parts, resumed from the offset that the server names, completed. The pages' own door too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Query
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from console import wiring
from console.api.asking import Caller
from console.api.problems import BYTES, problems
from console.api.shapes import (
    LARGEST,
    AcceptedTold,
    DescriptionAsked,
    DescriptionTold,
    DuplicateTold,
    Same,
    UnfinishedTold,
    UploadAsked,
    UploadsTold,
    UploadTold,
)
from console.routes.answers import TOLD, problem

log = structlog.get_logger()

LONGEST_KEY = 200  # characters
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=LONGEST_KEY,
        description="Any text of your own. The same call with the same key makes nothing twice.",
    ),
]
PART = {"content": {"application/octet-stream": {"schema": dict(BYTES)}}, "required": True}
NOT_KEPT = {"Cache-Control": "no-store"}

router = APIRouter(tags=["Uploads"])


@router.post(
    "/uploads",
    status_code=201,
    response_model=UploadTold,
    responses={
        200: {"model": Same, "description": "The file is a video already, and nothing was begun."},
        **problems(400, 409, 413),
    },
    operation_id="begin_upload",
    summary="Begin an upload",
)
def begin(user: Caller, body: UploadAsked, idempotency_key: IdempotencyKey = None) -> Response:
    """A file that was begun and not finished goes on where it stopped: `offset` says where.

    A file that is a video of yours already begins nothing unless `again` says that it is wanted.
    """
    uploads = wiring.services().uploads
    found = None
    if not body.again:
        found = uploads.duplicate_of(
            user, file_name=body.name, size=body.size, fingerprint=body.fingerprint, key=idempotency_key
        )
    if found is not None:
        duplicate = DuplicateTold(video_id=found.video_id, title=found.title, when=found.uploaded_at)
        return JSONResponse(Same(duplicate=duplicate).model_dump(mode="json"))
    upload = uploads.begin(
        user,
        file_name=body.name,
        size=body.size,
        fingerprint=body.fingerprint,
        title=body.title,
        key=idempotency_key,
    )
    return JSONResponse(UploadTold.model_validate(upload).model_dump(mode="json"), status_code=201)


@router.get("/uploads", responses=problems(), operation_id="list_uploads", summary="Uploads that stopped")
def unfinished(user: Caller, response: Response) -> UploadsTold:
    """Those of mine that may go on, the newest first."""
    response.headers.update(NOT_KEPT)
    rows = wiring.services().uploads.unfinished(user)
    return UploadsTold(
        uploads=[
            UnfinishedTold(id=row.id, name=row.file_name, size=row.size, offset=row.offset, when=row.touched_at)
            for row in rows
        ]
    )


@router.put(
    "/uploads/{upload_id:uuid}",
    response_model=UploadTold,
    responses=problems(400, 404, 409),
    openapi_extra={"requestBody": PART},
    operation_id="send_part",
    summary="Send a part",
)
async def append(
    request: Request, user: Caller, upload_id: UUID, offset: Annotated[int, Query(ge=0, le=LARGEST)]
) -> Response:
    """The next bytes, from `offset` on; they are kept as they come, also when the connection breaks.

    409 says that the upload stands elsewhere: ask for it, and go on from there.
    """

    async def chunks() -> AsyncIterator[bytes]:
        async for chunk in request.stream():
            if chunk:
                yield chunk

    try:
        upload = await wiring.services().uploads.append(user, upload_id, offset=offset, chunks=chunks())
    except ClientDisconnect:
        log.info("upload_cut", upload=str(upload_id))
        return problem(400, TOLD[400])
    return JSONResponse(UploadTold.model_validate(upload).model_dump(mode="json"))


@router.get(
    "/uploads/{upload_id:uuid}",
    responses=problems(404),
    operation_id="read_upload",
    summary="How far an upload is",
)
def status(user: Caller, upload_id: UUID, response: Response) -> UploadTold:
    """Send the next part from `offset` on."""
    response.headers.update(NOT_KEPT)
    return UploadTold.model_validate(wiring.services().uploads.status(user, upload_id))


@router.patch(
    "/uploads/{upload_id:uuid}",
    responses=problems(400, 404, 409, 413),
    operation_id="describe_upload",
    summary="Name the video that it will be",
)
def describe(user: Caller, upload_id: UUID, body: DescriptionAsked) -> DescriptionTold:
    """Title and tags, until the upload is accepted."""
    described = wiring.services().uploads.describe(user, upload_id, title=body.title, tags=body.tags)
    return DescriptionTold.model_validate(described)


@router.delete(
    "/uploads/{upload_id:uuid}",
    status_code=204,
    responses=problems(404, 409),
    operation_id="discard_upload",
    summary="Give an upload up",
)
def discard(user: Caller, upload_id: UUID) -> Response:
    """What had arrived is forgotten."""
    wiring.services().uploads.discard(user, upload_id)
    return Response(status_code=204)


@router.post(
    "/uploads/{upload_id:uuid}/complete",
    status_code=201,
    responses=problems(400, 404, 409),
    operation_id="complete_upload",
    summary="Complete an upload",
)
def complete(user: Caller, upload_id: UUID) -> AcceptedTold:
    """Accepts the video and its job. Repeating it answers the same."""
    accepted = wiring.services().uploads.complete(user, upload_id)
    return AcceptedTold.model_validate(accepted)
