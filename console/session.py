"""Who is looking: the session behind this script run, checked on every run of a page and of a fragment."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from console import cookie, wiring
from services.errors import NotSignedIn
from services.model import Session

Parameters = ParamSpec("Parameters")

CONNECTED = "connected"  # in the state of a page's connection, after its first run


def token() -> str | None:
    """The token in the cookie that came with the websocket's handshake."""
    return cookie.read(st.context.cookies, wiring.settings())


def current(*, by_person: bool = False) -> Session | None:
    """The verified session, or None; by_person: this run shows that somebody is there, and the session is in use.

    The first run of a connection shows nothing: a browser connects again by itself.
    Raises Unavailable when sessions cannot be checked.
    """
    sessions = wiring.services().sessions
    in_use = by_person and CONNECTED in st.session_state
    try:
        session = sessions.verify(token()) if in_use else sessions.stands(token()).session
    except NotSignedIn:
        return None
    if st.session_state.get("session_user", session.user.id) != session.user.id:
        # Another person signed in on this connection: nothing of the first may be left.
        st.session_state.clear()
    st.session_state["session_user"] = session.user.id
    st.session_state[CONNECTED] = True
    return session


def require() -> Session:
    """The session of whoever may see pages; without one the whole script runs again and shows the sign-in page."""
    session = current()
    if session is None or session.user.must_change_password:
        st.rerun(scope="app")
    return session


def checked_fragment(draw: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """A fragment that checks the session before each of its runs.

    A live component asks for most of them: they are no use of the session. Its key is the name of the function.
    """

    @st.fragment(key=draw.__name__)
    @functools.wraps(draw)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        require()
        draw(*args, **kwargs)

    return checked
