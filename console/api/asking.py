"""Who calls: the session that the gate has verified."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from console import cookie, wiring
from services.model import Session, User


async def session_of(request: Request) -> Session:
    session: Session = request.state.session
    return session


async def user_of(request: Request) -> User:
    session: Session = request.state.session
    return session.user


def token_of(request: Request) -> str:
    """The token that the gate let in: of the header, or of the cookie."""
    if request.state.by_token:
        return request.headers["authorization"].partition(" ")[2].strip()
    return cookie.read(request.cookies, wiring.settings()) or ""


TheirSession = Annotated[Session, Depends(session_of)]
Caller = Annotated[User, Depends(user_of)]
