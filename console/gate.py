"""The gate: every request passes here first, and what is not open by name needs a valid session.

Open are what carries no data of anybody (the shell of the pages, the probes, the API's document), the doors of sign-in,
and Streamlit's websocket, on which the entry script shows nothing but the sign-in page to whoever has no session
(console/session.py).
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console import cookie, navigation, shell, wiring
from console.api.address import PREFIX as API
from console.routes.answers import refusal
from services.errors import BacklotError, NotAllowed, NotFound, Refused
from services.model import Session
from services.tokens import PREFIX

log = structlog.get_logger()

WEBSOCKET = "/_stcore/stream"
OPEN_TO_READ = navigation.ADDRESSES | {
    "/healthz",
    "/readyz",
    "/metrics",
    "/favicon.png",
    "/_stcore/health",
    "/_stcore/host-config",
}
OPEN_FOLDERS = ("/static/", "/app/static/")
SESSION_ROUTES = frozenset({"/api/session", "/api/session/end"})
API_SIGN_IN = f"{API}/sessions"
API_OPEN_TO_READ = (f"{API}/openapi.json", f"{API}/docs")
# What a browser asks for because somebody looks or plays; other reads come by themselves, and keep no session in use.
READ_BY_PEOPLE = ("/api/files/",)
# Streamlit's uploader keeps whole files in memory, and its agent API drives pages: the product uses neither.
CLOSED_FOLDERS = ("/_stcore/upload_file", "/_stcore/agent")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STRANGERS_MESSAGE = 64 * 1024  # bytes: more than the sign-in page ever sends; Streamlit keeps what it is sent

ROUTE_POLICY = "default-src 'none'; media-src 'self'; img-src 'self'; frame-ancestors 'none'; sandbox"


def page_policy() -> str:
    """The Content-Security-Policy of the pages: own files only, and the one script in the page itself by its hash.

    Components of Streamlit load as `blob:` modules, and its styles are written into the page (measured).
    """
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {' '.join(shell.script_hashes())} blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def from_own_page(headers: Headers) -> bool:
    """Whether a browser sent this from a page of this host. What is no browser sends neither header."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def is_open(method: str, path: str) -> bool:
    """Whether a request needs no session."""
    if path in SESSION_ROUTES or (method == "POST" and path == API_SIGN_IN):
        return True
    in_open_folder = path.startswith((*OPEN_FOLDERS, *API_OPEN_TO_READ)) and ".." not in path
    return method in {"GET", "HEAD"} and (path in OPEN_TO_READ or in_open_folder)


def bearer(headers: Headers) -> str | None:
    """The token that a program sends with a request."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def session_of_token(token: str) -> Session:
    """The verified session of a program: of a sign-in, or of a token made for it. Raises NotSignedIn, Unavailable."""
    services = wiring.services()
    verify = services.tokens.verify if token.startswith(PREFIX) else services.sessions.verify
    return await anyio.to_thread.run_sync(verify, token)


async def session_of(scope: Scope) -> Session:
    """The verified session of a browser. Raises NotSignedIn, Unavailable."""
    token = cookie.read(HTTPConnection(scope).cookies, wiring.settings())
    sessions = wiring.services().sessions
    if scope["type"] == "http" and is_use(scope["method"], scope["path"]):
        return await anyio.to_thread.run_sync(sessions.verify, token)
    standing = await anyio.to_thread.run_sync(sessions.stands, token)
    return standing.session


def is_use(method: str, path: str) -> bool:
    """Whether a browser's request shows that somebody is there, so that the idle time of the session begins anew."""
    return method not in SAFE_METHODS or path.startswith(READ_BY_PEOPLE)


def without_earlier_run(scope: Scope) -> Scope:
    """The websocket's scope without the third subprotocol.

    That names a run of the script to take up again: Streamlit would send what it still holds for that run to
    whoever knows the name (read in its starlette_websocket.py).
    """
    name = b"sec-websocket-protocol"
    headers = [(key, b",".join(value.split(b",")[:2]) if key == name else value) for key, value in scope["headers"]]
    return {**scope, "headers": headers, "subprotocols": list(scope.get("subprotocols", []))[:2]}


def small_messages(receive: Receive) -> Receive:
    """What a stranger's websocket brings, until one message is larger than theirs are: then it is over."""

    async def receive_small() -> Message:
        message = await receive()
        size = len(message.get("bytes") or b"") + len(message.get("text") or "")
        if size <= STRANGERS_MESSAGE:
            return message
        log.info("websocket_message_refused", bytes=size)
        return {"type": "websocket.disconnect", "code": 1009, "reason": "too large"}

    return receive_small


class Gate:
    """ASGI middleware, outermost. Puts the verified session into the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._page_policy = page_policy()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, self._with_headers(scope, send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._admit(scope)
        except BacklotError as error:
            if not isinstance(error, Refused):
                log.warning("gate_unavailable", path=scope["path"], kind=type(error).__name__)
            await refusal(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> None:
        """Raises Refused, or Unavailable when sessions cannot be checked."""
        method, path, headers = scope["method"], scope["path"], Headers(scope=scope)
        token = bearer(headers) if path.startswith(f"{API}/") else None
        if token is None and method not in SAFE_METHODS and not from_own_page(headers):
            raise NotAllowed("This request came from another site. Use the pages of Backlot.")
        if path.startswith(CLOSED_FOLDERS):
            raise NotFound("There is nothing at this address.")
        if is_open(method, path):
            return
        session = await session_of(scope) if token is None else await session_of_token(token)
        if session.user.must_change_password:
            raise NotAllowed("Choose your own password first.")
        scope.setdefault("state", {}).update(session=session, by_token=token is not None)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != WEBSOCKET or not from_own_page(Headers(scope=scope)):
            log.info("websocket_refused", path=scope["path"])
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            await session_of(scope)
        except BacklotError:
            scope, receive = without_earlier_run(scope), small_messages(receive)
        await self._app(scope, receive, send)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        policy = ROUTE_POLICY if scope["path"].startswith("/api/") else self._page_policy
        secure = wiring.settings().secure_cookies

        async def send_with_headers(message: MutableMapping[str, Any] | Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", policy)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("X-Frame-Options", "DENY")
                headers.setdefault("Referrer-Policy", "no-referrer")
                headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
                if secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        return send_with_headers
