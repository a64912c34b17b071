"""What this process counts of itself, for whoever scrapes /metrics: from memory, and of no person."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console import wiring
from console.streams import STREAMS

# Few, whatever is asked for: a label for each address would let a stranger fill the memory.
AREAS = ("/api/v1/", "/api/live", "/api/files/", "/api/", "/_stcore/", "/static/", "/app/static/")
PAGES = "pages"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
SECONDS = (0.005, 0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
REQUESTS = Counter(
    "backlot_http_requests",
    "Answers, by area of addresses, method and status.",
    ["area", "method", "status"],
    registry=REGISTRY,
)
DURATION = Histogram(
    "backlot_http_seconds",
    "Seconds until an answer begins, by area of addresses.",
    ["area"],
    buckets=SECONDS,
    registry=REGISTRY,
)
OPEN_STREAMS = Gauge("backlot_live_streams", "Live streams that are open.", registry=REGISTRY)
OPEN_STREAMS.set_function(STREAMS.count)
HEARS = Gauge("backlot_redis_heard", "1 while this process hears what is published on Redis.", registry=REGISTRY)
HEARS.set_function(lambda: float(wiring.services().sessions.connected()))


def area_of(path: str) -> str:
    """The area that an address belongs to, one of a few."""
    return next((area for area in AREAS if path.startswith(area)), PAGES)


def exposition() -> tuple[bytes, str]:
    """The figures in Prometheus' text format, and the media type of it."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST


class Counting:
    """ASGI middleware that counts answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        area = area_of(scope["path"])
        method = scope["method"] if scope["method"] in METHODS else "other"
        begun = time.perf_counter()

        async def counted(message: MutableMapping[str, Any] | Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(area, method, message["status"]).inc()
                DURATION.labels(area).observe(time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, counted)
