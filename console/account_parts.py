"""The parts of My account, each drawn again by itself, and the rows that the page of a user has too."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import tzinfo
from uuid import UUID

import streamlit as st

from console import look, navigation, wiring
from console.components.meter import meter
from console.components.row_list import Row, row_list
from console.components.session import exchange_ticket
from console.components.shown_once import place_of_secret, show_once
from console.messages import refusals, show_error
from console.outcomes import counted
from console.reset_parts import agree, chosen_twice
from console.session import checked_fragment, require
from services.errors import BacklotError, NotFound
from services.sessions import OpenSession
from services.tokens import TokenView

CHANGED = "changed"  # in the address, after a new password
TOKEN_DAYS, USUAL_DAYS = (7, 30, 90, 365), 30
LONGEST_TOKEN_NAME = 100  # characters
API_DOCS = "/api/v1/docs"
THIS_ONE = look.Chip("This one", "green")
MADE_NOW = "account_made"


def tell_change() -> None:
    """Says once that the password was changed, since saving it loads the page anew."""
    if CHANGED in st.query_params:
        del st.query_params[CHANGED]
        st.toast("Your password is changed. Every other session of yours has ended.", icon=":material/check:")


@checked_fragment
def account_sessions() -> None:
    """Where one is signed in, and the way out of each."""
    session, sessions = require(), wiring.services().sessions
    user = session.user
    st.header("Where you are signed in", anchor=False)
    with refusals():
        rows = session_rows(sessions.of_user(user, user.id), this=session.id, timezone=look.viewer_timezone())
        ended = row_list(
            rows, key="account_session_list", label="Your sessions", empty="You are not signed in anywhere."
        )
        if ended is not None:
            with suppress(NotFound):  # it has ended by itself meanwhile
                sessions.end(user, UUID(ended))
            st.rerun()
        with st.container(horizontal=True):
            if len(rows) > 1 and st.button("Sign out everywhere else", key="account_end_others"):
                sessions.end_others(session)
                st.rerun()
            if st.button("Sign out everywhere", key="account_end_all"):
                end_everywhere()


@st.dialog("Sign out everywhere?")
def end_everywhere() -> None:
    """Ends all sessions, this one too, once it is meant."""
    user = require().user
    st.write("Every session of yours ends now, this one too. You sign in again with your password.")
    st.caption("API tokens stay: revoke them one by one.")
    if st.button("Sign out everywhere", type="primary", key="account_end_all_sure"):
        with refusals():
            wiring.services().sessions.end_all(user, user.id, reason="signed out everywhere")
            st.rerun()


@checked_fragment
def account_tokens() -> None:
    """What lets programs in as this person: made, shown once, listed, revoked."""
    user, tokens = require().user, wiring.services().tokens
    head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    head.header("API tokens", anchor=False, width="content")
    buttons = head.container(horizontal=True, width="content")
    buttons.link_button("How to use the API", API_DOCS, type="tertiary")
    if buttons.button("New token", icon=":material/add:", key="account_token_new"):
        new_token()
    st.caption("A token lets a program do what you may do, until it ends or you revoke it.")
    with st.container(gap=None), refusals():  # where nothing is shown takes no room
        place_of_secret(MADE_NOW)
        rows = token_rows(tokens.of_user(user, user.id), timezone=look.viewer_timezone())
        revoked = row_list(rows, key="account_token_list", label="Your API tokens", empty="You have no API tokens.")
        if revoked is not None:
            with suppress(NotFound):  # it has ended by itself meanwhile
                tokens.revoke(user, UUID(revoked))
            st.rerun()


@st.dialog("New API token")
def new_token() -> None:
    """Asks for a name and an end, and has the token shown on the page."""
    session = require()
    with st.form("account_token"):
        name = st.text_input(
            "Name", max_chars=LONGEST_TOKEN_NAME, placeholder="What uses it, such as nightly export", key="token_name"
        )
        days = st.radio(
            "Ends after",
            TOKEN_DAYS,
            index=TOKEN_DAYS.index(USUAL_DAYS),
            format_func=lambda days: counted(days, "day"),
            horizontal=True,
            key="token_days",
        )
        submitted = st.form_submit_button("Make the token", type="primary")
    if submitted:
        with refusals():
            made = wiring.services().tokens.create(session.user, name=name, days=days, session_id=session.id)
            show_once(
                MADE_NOW,
                title=f"The token “{made.view.name}”",
                note="Copy it now: it is not shown again. Whoever has it can do what you may do.",
                secret=made.token,
            )
            st.rerun()


@checked_fragment
def account_limits() -> None:
    """What is left of one's limits, when more frees, and what is not everybody's."""
    user = require().user
    st.header("Your limits", anchor=False)
    try:
        limits = wiring.services().limits.of(user)
    except BacklotError as error:
        show_error(error)
        return
    with st.container(border=True):
        meter(limits, user, key="account_meter", is_wide=True, has_requests=True)


@checked_fragment
def account_password() -> None:
    """A new password in place of the present one."""
    user = require().user
    st.header("Change your password", anchor=False)
    with st.form("account_password_form"):
        given = st.text_input(
            "Present password", type="password", key="password_given", autocomplete="current-password"
        )
        chosen = chosen_twice()
        st.caption("Every other session of yours ends when you save it. API tokens stay.")
        submitted = st.form_submit_button("Change password")
    if submitted and agree(chosen):
        with refusals():
            services = wiring.services()
            services.accounts.change_password(user, given, chosen[0])
            exchange_ticket(services.sessions.issue_ticket(user), leads_to=f"/{navigation.ACCOUNT.address}?{CHANGED}=1")


def session_rows(sessions: Iterable[OpenSession], *, this: UUID | None, timezone: tzinfo) -> list[Row]:
    """Rows of sessions, each with a way out; `this` is marked."""
    return [
        Row(
            id=str(one.id),
            title=one.device,
            chip=THIS_ONE if one.id == this else None,
            facts=(
                one.address,
                f"signed in {look.moment(one.created_at, timezone=timezone)}",
                "in use now" if one.id == this else f"last seen {look.moment(one.last_seen_at, timezone=timezone)}",
            ),
            action="Sign out",
        )
        for one in sessions
    ]


def token_rows(tokens: Iterable[TokenView], *, timezone: tzinfo) -> list[Row]:
    """Rows of API tokens, each of which can be revoked."""
    return [
        Row(
            id=str(one.id),
            title=one.name,
            facts=(
                f"ends in …{one.hint}",
                f"made {look.moment(one.created_at, timezone=timezone)}",
                f"good until {look.moment(one.expires_at, timezone=timezone)}",
                f"last used {look.moment(one.last_used_at, timezone=timezone)}" if one.last_used_at else "never used",
            ),
            action="Revoke",
            confirm="What uses it is refused from now on.",
        )
        for one in tokens
    ]
