"""Whether this process answers and is ready, and what it counted; from memory: probes cost no command, no query."""

from __future__ import annotations

import threading

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console import figures, wiring

NOT_KEPT = {"Cache-Control": "no-store"}
READY = threading.Event()  # set while the server takes requests for what it was started for


async def health(request: Request) -> Response:
    """GET /healthz: the process answers."""
    return JSONResponse({"status": "ok"}, headers=NOT_KEPT)


async def ready(request: Request) -> Response:
    """GET /readyz: whether requests may be sent here, and whether this process hears Redis."""
    if not READY.is_set():
        return JSONResponse({"status": "starting or stopping"}, status_code=503, headers=NOT_KEPT)
    heard = wiring.services().sessions.connected()
    return JSONResponse({"status": "ready", "redis": "heard" if heard else "not heard"}, headers=NOT_KEPT)


async def metrics(request: Request) -> Response:
    """GET /metrics: in Prometheus' text format."""
    content, media_type = figures.exposition()
    return Response(content, headers={**NOT_KEPT, "Content-Type": media_type})


routes = [
    Route("/healthz", health, methods=["GET"]),
    Route("/readyz", ready, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
]
