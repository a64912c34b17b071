"""The list of users, for admins."""

from __future__ import annotations

import streamlit as st

from console import look, navigation, wiring
from console.components.shown_once import place_of_secret, show_once
from console.components.user_list import user_list
from console.messages import refusals, show_error
from console.session import require
from console.user_parts import LINK_NOTE, NEW_LINK
from services.errors import BacklotError
from services.model import Role, User

PLACES = "users_places"  # of the pages before this one
LONGEST_NAME = 64  # characters


def everybody(admin: User) -> None:
    """All users by name, a page at a time, narrowed by name and role."""
    head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    head.title("Users", anchor=False, width="content")
    if head.button("New user", type="primary", icon=":material/person_add:", key="users_new"):
        new_user()
    place_of_secret(NEW_LINK)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Name",
            max_chars=LONGEST_NAME,
            placeholder="Search by name",
            key="users_text",
            live=True,
            persist_state="session",
            on_change=_begin_anew,
        )
        role = st.selectbox(
            "Role",
            list(Role),
            index=None,
            placeholder="All roles",
            format_func=look.ROLE_NAMES.__getitem__,
            width=220,
            key="users_role",
            persist_state="session",
            on_change=_begin_anew,
        )
    places: list[str] = st.session_state.setdefault(PLACES, [])
    try:
        page = wiring.services().users.find(
            admin, text=(text or "").strip(), role=role, place=places[-1] if places else None
        )
    except BacklotError as error:
        show_error(error)
        st.button("Try again", icon=":material/refresh:", key="users_again")
        return
    if not page.rows:
        st.info(_nobody(text, role), icon=":material/info:")
        return
    opened = user_list(page.rows, address=navigation.USERS.address, timezone=look.viewer_timezone())
    if opened is not None:
        st.query_params["user"] = str(opened)
        st.rerun()
    if places or page.next:
        with st.container(horizontal=True, horizontal_alignment="right"):
            st.button("Back", disabled=not places, key="users_back", on_click=_turn_back)
            st.button("Next", disabled=page.next is None, key="users_next", on_click=_turn, args=(page.next,))


@st.dialog("New user")
def new_user() -> None:
    """Asks for a name and a role, and has the link for the password shown on the page."""
    admin = require().user
    with st.form("users_new_form"):
        name = st.text_input("Name", max_chars=LONGEST_NAME, key="new_user_name", autocomplete="off")
        role = st.radio(
            "Role",
            list(Role),
            format_func=look.ROLE_NAMES.__getitem__,
            captions=[look.ROLE_MEANINGS[role] for role in Role],
            key="new_user_role",
        )
        submitted = st.form_submit_button("Make the user", type="primary")
    if submitted and role:
        with refusals():
            called = name.strip().lower()
            link = wiring.services().users.create(admin, called, role)
            show_once(
                NEW_LINK,
                title=f"The link for {called} to choose a password",
                note=LINK_NOTE,
                secret=link.token,
                is_link=True,
            )
            st.rerun()


def _nobody(text: str | None, role: Role | None) -> str:
    if text and role:
        return f"No {look.ROLE_NAMES[role].lower()} is called that."
    return "No user is called that." if text else "No user has this role."


def _begin_anew() -> None:
    st.session_state[PLACES] = []


def _turn(place: str) -> None:
    st.session_state[PLACES] = [*st.session_state[PLACES], place]


def _turn_back() -> None:
    st.session_state[PLACES] = st.session_state[PLACES][:-1]
