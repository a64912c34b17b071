"""How the routes answer: JSON, with one status for each kind of error."""

from __future__ import annotations

import math

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

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

UNAVAILABLE_RETRY_SECONDS = 5
STATUS: tuple[tuple[type[BacklotError], int], ...] = (
    (BadInput, 400),
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (IllegalMove, 409),
    (LimitReached, 429),
    (Refused, 400),
    (Unavailable, 503),
)


def refusal(error: BacklotError) -> Response:
    """The answer to a request that ended in this error: {"message": ...}, and Retry-After in whole seconds."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, LimitReached):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after or UNAVAILABLE_RETRY_SECONDS)))
    message = str(error) or (type(error).__doc__ or "").strip()
    return JSONResponse({"message": message}, status_code=status, headers=headers)


async def answer_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for every BacklotError that a route lets through."""
    if not isinstance(error, BacklotError):
        raise error
    say = log.info if isinstance(error, Refused) else log.warning
    say("request_refused", path=request.url.path, kind=type(error).__name__)
    return refusal(error)


async def answer_crash(request: Request, error: Exception) -> Response:
    """Starlette's handler for what nobody foresaw: logged in full by the server, told in one sentence."""
    log.error("request_crashed", path=request.url.path, kind=type(error).__name__)
    return JSONResponse(
        {"message": "Something went wrong on our side. Try again; if it happens again, tell an operator."},
        status_code=500,
    )


async def unknown(request: Request) -> Response:
    """Any address under /api/ that no route serves."""
    raise NotFound("There is nothing at this address.")
