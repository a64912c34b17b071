"""What the bell asks for: the newest messages, and which of them were read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console import wiring
from console.outcomes import made
from console.routes.body import read_body
from services.notifications import NotificationRow


class Read(BaseModel):
    """ids of messages, or all of them."""

    model_config = ConfigDict(extra="forbid")

    ids: list[int] = Field(default_factory=list, max_length=1000)
    all: bool = False


def _described(row: NotificationRow) -> dict[str, object]:
    return {
        "id": row.id,
        "outcome": row.outcome,
        "video_id": str(row.video_id),
        "title": row.title,
        "text": row.reason or made(row.kind, clips=row.clips, posts=row.posts),
        "at": row.at.isoformat(),
        "read": row.read,
    }


async def inbox(request: Request) -> Response:
    """GET /api/notifications: {unread, items}, the newest first."""
    found = await run_in_threadpool(wiring.services().notifications.inbox, request.state.session.user)
    return JSONResponse(
        {"unread": found.unread, "items": [_described(row) for row in found.rows]},
        headers={"Cache-Control": "no-store"},
    )


async def read(request: Request) -> Response:
    """POST /api/notifications/read: {ids} or {all: true} to {unread}, which is how many are left."""
    body = await read_body(request, Read)
    unread = await run_in_threadpool(
        wiring.services().notifications.mark_read, request.state.session.user, None if body.all else body.ids
    )
    return JSONResponse({"unread": unread})


routes = [
    Route("/api/notifications", inbox, methods=["GET"]),
    Route("/api/notifications/read", read, methods=["POST"]),
]
