"""The product's own addresses, one file a subject."""

from __future__ import annotations

from starlette.routing import Route

from console.routes import archive, clips, edits, health, live, media, notifications, session, subtitles, uploads
from console.routes.answers import unknown

ROUTES: tuple[Route, ...] = (
    *health.routes,
    *session.routes,
    *uploads.routes,
    *media.routes,
    *subtitles.routes,
    *edits.routes,
    *clips.routes,
    *live.routes,
    *archive.routes,
    *notifications.routes,
    Route("/api/{rest:path}", unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
)
