"""What people change of a video, saved without drawing the page again."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console import wiring
from console.routes.body import read_body


class Edit(BaseModel):
    """value null takes the target back to how it was made."""

    model_config = ConfigDict(extra="forbid")

    value: str | int | list[str] | None


async def save(request: Request) -> Response:
    """PUT /api/videos/{id}/edits/{target}: {value} to {value}, which is what stands now."""
    body = await read_body(request, Edit)
    value = await run_in_threadpool(
        wiring.services().edits.save,
        request.state.session.user,
        request.path_params["video_id"],
        request.path_params["target"],
        body.value,
    )
    return JSONResponse({"value": value})


routes = [Route("/api/videos/{video_id:uuid}/edits/{target}", save, methods=["PUT"])]
