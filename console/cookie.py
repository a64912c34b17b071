"""The session cookie: its name, and the attributes it always has."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from services.settings import Settings


def name(settings: Settings) -> str:
    """The cookie's name. `__Host-` makes browsers insist on TLS, this host alone, and the whole path."""
    return "__Host-backlot_session" if settings.secure_cookies else "backlot_session"


def read(cookies: Mapping[str, str], settings: Settings) -> str | None:
    """The token in these cookies, if there is one."""
    return cookies.get(name(settings))


def put(response: Response, token: str, settings: Settings) -> None:
    """Sets the cookie for as long as a session may last; the session itself may end earlier."""
    response.set_cookie(
        name(settings),
        token,
        max_age=int(settings.session_absolute),
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def remove(response: Response, settings: Settings) -> None:
    """Deletes the cookie."""
    response.delete_cookie(name(settings), path="/", secure=settings.secure_cookies, httponly=True, samesite="lax")
