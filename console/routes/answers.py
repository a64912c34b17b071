"""How everything under /api/ says that something did not work: RFC 9457's problem details, made in one place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from services.errors import (
    BacklotError,
    BadInput,
    IllegalMove,
    LimitReached,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Refused,
    Unavailable,
)

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
UNAVAILABLE_RETRY_SECONDS = 5
# The status of each kind of error, and its title, which stays the same from one time to the next.
KINDS: tuple[tuple[type[BacklotError], int, str], ...] = (
    (BadInput, 400, "This cannot be used"),
    (NotSignedIn, 401, "Nobody is signed in"),
    (NotAllowed, 403, "Not allowed"),
    (NotFound, 404, "Not found"),
    (IllegalMove, 409, "Not now"),
    (LimitReached, 429, "A limit is reached"),
    (Refused, 400, "Refused"),
    (Unavailable, 503, "Not available"),
)
CRASHED = "Something went wrong on our side. Try again; if it happens again, tell an operator."
TOLD: Mapping[int, str] = {
    400: "The request cannot be read.",
    404: "There is nothing at this address.",
    405: "This address does not take this method. Allow says which it takes.",
    413: "The request is larger than this address accepts.",
}


def problem(
    status: int, detail: str, *, title: str | None = None, headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """An answer of application/problem+json; of more, what is None is left out."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **{name: value for name, value in more.items() if value is not None},
    }
    return JSONResponse(body, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


def refusal(error: BacklotError) -> Response:
    """The answer to a request that ended in this error, with Retry-After in whole seconds where it may come again."""
    status, title = next(((status, title) for kind, status, title in KINDS if isinstance(error, kind)), (500, None))
    detail = str(error) or (type(error).__doc__ or "").strip()
    if isinstance(error, NotSignedIn):
        return problem(status, detail, title=title, headers={"WWW-Authenticate": "Bearer"})
    if not isinstance(error, LimitReached | Unavailable):
        return problem(status, detail, title=title)
    wait = max(1, math.ceil(error.retry_after or UNAVAILABLE_RETRY_SECONDS))
    limit = error.limit if isinstance(error, LimitReached) else None
    return problem(status, detail, title=title, headers={"Retry-After": str(wait)}, retry_after=wait, limit=limit)


async def answer_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for every BacklotError that a route lets through."""
    if not isinstance(error, BacklotError):
        raise error
    request.state.refused = error
    say = log.info if isinstance(error, Refused) else log.warning
    say("request_refused", path=request.url.path, kind=type(error).__name__)
    return refusal(error)


async def answer_http(request: Request, error: Exception) -> Response:
    """Starlette's handler for its own errors: problems under /api/, its plain text for the pages."""
    if not isinstance(error, HTTPException):
        raise error
    if request.url.path.startswith("/api/"):
        return problem(error.status_code, TOLD.get(error.status_code, error.detail), headers=error.headers)
    return PlainTextResponse(error.detail, status_code=error.status_code, headers=error.headers)


async def answer_crash(request: Request, error: Exception) -> Response:
    """Starlette's handler for what nobody foresaw: logged in full by the server, told in one sentence."""
    log.error("request_crashed", path=request.url.path, kind=type(error).__name__)
    return problem(500, CRASHED)


class Unknown:
    """Any address under /api/ that no route serves, or not with this method: an ASGI application."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if methods := methods_at(self._routes, scope):
            answer = problem(405, TOLD[405], headers={"Allow": ", ".join(sorted(methods))})
        else:
            answer = problem(404, TOLD[404])
        await answer(scope, receive, send)


def methods_at(routes: Iterable[BaseRoute], scope: Scope) -> set[str]:
    """Every method that the routes take at the address of this scope."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found
