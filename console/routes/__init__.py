"""The product's own addresses, one file a subject."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from console import api
from console.routes import archive, clips, edits, health, live, media, notifications, session, subtitles
from console.routes.answers import Unknown

OWN: tuple[Route, ...] = (
    *health.routes,
    *session.routes,
    *media.routes,
    *subtitles.routes,
    *edits.routes,
    *clips.routes,
    *live.routes,
    *archive.routes,
    *notifications.routes,
)
PREFIX = "/api/v1"


async def http_api(scope: Scope, receive: Receive, send: Send) -> None:
    """What lies at /api/v1. It is built of parts of this package, so that it is looked up when it is called."""
    await api.application(scope, receive, send)


ROUTES: tuple[BaseRoute, ...] = (
    *OWN,
    Mount(PREFIX, app=http_api),
    Route("/api/{rest:path}", Unknown(OWN)),
)
