"""Clips that a person cuts: accepted as a job without drawing the page again."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console import wiring
from console.routes.body import read_body
from services.cuts import Cut
from services.model import JobKind


class Cuts(BaseModel):
    """The clips to render, as services/cuts.py knows them."""

    model_config = ConfigDict(extra="forbid")

    cuts: tuple[Cut, ...]


async def render(request: Request) -> Response:
    """POST /api/videos/{id}/clips: {cuts: [{position, start, end, title}]} to {job_id}; times in seconds."""
    body = await read_body(request, Cuts)
    job_id = await run_in_threadpool(
        wiring.services().operations.submit,
        request.state.session.user,
        request.path_params["video_id"],
        JobKind.CLIPS,
        options=body.model_dump(mode="json"),
    )
    return JSONResponse({"job_id": str(job_id)}, status_code=202)


routes = [Route("/api/videos/{video_id:uuid}/clips", render, methods=["POST"])]
