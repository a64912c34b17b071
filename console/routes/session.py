"""The exchange of a one-time ticket for the session cookie, and the way out."""

from __future__ import annotations

from contextlib import suppress

import structlog
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console import cookie, wiring
from console.routes.body import read_body
from services.errors import NotSignedIn

log = structlog.get_logger()

USER_AGENT_LENGTH = 300


class Ticket(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ticket: str = Field(min_length=1, max_length=2000)


async def open_session(request: Request) -> Response:
    """POST /api/session: takes the ticket of a verified sign-in and sets the session cookie.

    The session that the browser had before ends.
    """
    body = await read_body(request, Ticket)
    token, session = await run_in_threadpool(
        wiring.services().sessions.exchange,
        body.ticket,
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", "")[:USER_AGENT_LENGTH],
        replaces=cookie.read(request.cookies, wiring.settings()),
    )
    response = Response(status_code=204)
    cookie.put(response, token, wiring.settings())
    log.info("session_opened", user=session.user.id)
    return response


async def end_session(request: Request) -> Response:
    """POST /api/session/end: revokes the session, if there is one, and deletes the cookie."""
    sessions = wiring.services().sessions
    with suppress(NotSignedIn):
        session = await run_in_threadpool(sessions.verify, cookie.read(request.cookies, wiring.settings()))
        await run_in_threadpool(sessions.revoke, session)
        log.info("session_ended", user=session.user.id)
    response = Response(status_code=204)
    cookie.remove(response, wiring.settings())
    return response


async def use_session(request: Request) -> Response:
    """POST /api/session/use: somebody is there. The gate has renewed the idle time before this is called."""
    return Response(status_code=204)


routes = [
    Route("/api/session", open_session, methods=["POST"]),
    Route("/api/session/end", end_session, methods=["POST"]),
    Route("/api/session/use", use_session, methods=["POST"]),
]
