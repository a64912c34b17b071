"""Every address of the product but Streamlit's: the routes of the pages, and the HTTP API."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount, Route

from console import api
from console.api.address import PREFIX
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
ROUTES: tuple[BaseRoute, ...] = (
    *OWN,
    Mount(PREFIX, app=api.application),
    Route("/api/{rest:path}", Unknown(OWN)),
)
