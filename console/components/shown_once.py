"""Something secret that is shown once: the browser keeps it until it is put away or the page is left."""

from __future__ import annotations

from uuid import uuid4

import streamlit as st

from console.components import component

_shown_once = component("shown_once", "copying")


def show_once(key: str, *, title: str, note: str, secret: str, is_link: bool = False) -> None:
    """Has the place of this key show the secret when it is drawn next. is_link: the secret is a reset token."""
    st.session_state[_kept(key)] = {
        "stamp": str(uuid4()),
        "title": title,
        "note": note,
        "secret": secret,
        "is_link": is_link,
    }


def place_of_secret(key: str) -> None:
    """Where it is shown. Python forgets it as soon as the browser says that it has it."""
    _shown_once(
        data=st.session_state.get(_kept(key)),
        key=key,
        on_shown_change=lambda: st.session_state.pop(_kept(key), None),
    )


def _kept(key: str) -> str:
    return f"{key}_secret"
