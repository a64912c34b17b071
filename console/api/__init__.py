"""The HTTP API at /api/v1: what the pages do, for programs. Each operation calls the services that the pages call."""

from __future__ import annotations

import functools
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.api import docs, document, jobs, me, sign_in, uploads, videos
from console.api.problems import SmallBodies, answer_invalid
from console.api.spending import Spending
from console.routes.answers import answer_crash, answer_error, answer_http, methods_at
from services.errors import BacklotError

ROUTERS = (sign_in.router, me.router, uploads.router, videos.router, jobs.router, docs.router)


def built() -> FastAPI:
    """The application, to be mounted at /api/v1 behind the gate."""
    made = FastAPI(
        title="Backlot",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=[Middleware(Spending), Middleware(SmallBodies)],
        exception_handlers={
            BacklotError: answer_error,
            RequestValidationError: answer_invalid,
            HTTPException: _answer_http,
            Exception: answer_crash,
        },
    )
    for router in ROUTERS:
        made.include_router(router)
    made.add_api_route("/openapi.json", openapi, include_in_schema=False)
    return made


@functools.cache
def openapi_document() -> dict[str, Any]:
    """What the HTTP API says of itself."""
    return document.made(application)


async def openapi() -> JSONResponse:
    """GET /api/v1/openapi.json."""
    return JSONResponse(openapi_document(), headers={"Cache-Control": "no-cache"})


async def _answer_http(request: Request, error: Exception) -> Response:
    answer = await answer_http(request, error)
    if answer.status_code == 405:
        routes = [route for router in ROUTERS for route in router.routes]
        answer.headers["Allow"] = ", ".join(sorted(methods_at(routes, request.scope))) or "GET"
    return answer


application = built()
