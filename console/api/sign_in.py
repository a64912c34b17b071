"""Signing in and out over the HTTP API."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from console import cookie, wiring
from console.api.asking import TheirSession, token_of
from console.api.problems import problems
from console.api.shapes import SignedIn, SignIn, UserTold
from console.routes.session import USER_AGENT_LENGTH
from services.errors import IllegalMove, NotAllowed, NotSignedIn, Refused
from services.tokens import PREFIX

router = APIRouter(tags=["Signing in"])


@router.post(
    "/sessions",
    status_code=201,
    responses=problems(400, 401, 403, 413, 422, 429, everywhere=(500, 503)),
    operation_id="sign_in",
    summary="Sign in",
)
def sign_in(request: Request, body: SignIn) -> SignedIn:
    """Answers with a token for all other calls. It ends by itself, or when it was not used for a while."""
    services, address = wiring.services(), request.client.host if request.client else ""
    try:
        user = services.accounts.sign_in(body.name, body.password, address=address)
    except Refused as refused:
        if type(refused) is Refused:  # a wrong pair, and no limit
            raise NotSignedIn(str(refused)) from refused
        raise
    if user.must_change_password:
        raise NotAllowed("Sign in to the pages first, and choose your own password there.")
    user_agent = request.headers.get("user-agent", "")[:USER_AGENT_LENGTH]
    token, session = services.sessions.open(user, address=address, user_agent=user_agent)
    return SignedIn(token=token, expires_at=session.expires_at, user=UserTold.model_validate(user))


@router.delete(
    "/sessions/current",
    status_code=204,
    responses=problems(409),
    operation_id="sign_out",
    summary="Sign out",
)
def sign_out(request: Request, session: TheirSession) -> Response:
    """Ends the session that this call came with."""
    if token_of(request).startswith(PREFIX):
        raise IllegalMove("This call came with an API token. Revoke that instead, with DELETE /api/v1/tokens/{id}.")
    wiring.services().sessions.revoke(session)
    answer = Response(status_code=204)
    if not request.state.by_token:
        cookie.remove(answer, wiring.settings())
    return answer
