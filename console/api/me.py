"""Whoever calls: who they are, what is left to them, and their tokens."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from console import wiring
from console.api.asking import Caller, TheirSession
from console.api.problems import problems
from console.api.shapes import LimitsTold, Me, NewTokenTold, TokenAsked, TokensTold, TokenTold, UserTold

router = APIRouter(tags=["Me"])


@router.get("/me", responses=problems(), operation_id="me", summary="Who I am")
async def me(session: TheirSession) -> Me:
    """The user of the token, and when it ends."""
    return Me(user=UserTold.model_validate(session.user), expires_at=session.expires_at)


@router.get("/limits", responses=problems(), operation_id="limits", summary="What is left to me")
def limits(user: Caller) -> LimitsTold:
    """Requests a minute, AI jobs an hour, uploads a day."""
    return LimitsTold.model_validate(wiring.services().limits.of(user))


@router.get("/tokens", responses=problems(), operation_id="list_tokens", summary="My API tokens")
def tokens(user: Caller) -> TokensTold:
    """Those that live, the newest first, without what would let anybody in."""
    found = wiring.services().tokens.of_user(user, user.id)
    return TokensTold(tokens=[TokenTold.model_validate(view) for view in found])


@router.post(
    "/tokens",
    status_code=201,
    responses=problems(400, 409, 413),
    operation_id="create_token",
    summary="Make an API token",
)
def create(session: TheirSession, body: TokenAsked) -> NewTokenTold:
    """It lets a program in as me for as many days. It is told this once: keep it. Only who signed in can make one."""
    made = wiring.services().tokens.create(session.user, name=body.name, days=body.days, session_id=session.id)
    return NewTokenTold(token=made.token, **TokenTold.model_validate(made.view).model_dump())


@router.delete(
    "/tokens/{token_id:uuid}",
    status_code=204,
    responses=problems(404),
    operation_id="revoke_token",
    summary="Revoke an API token",
)
def revoke(user: Caller, token_id: UUID) -> Response:
    """It lets nobody in any more, from this moment on."""
    wiring.services().tokens.revoke(user, token_id)
    return Response(status_code=204)
