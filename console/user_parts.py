"""One user as an admin sees them: role, sign-in, sessions, tokens, limits."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import streamlit as st

from console import look, wiring
from console.account_parts import session_rows, token_rows
from console.components.row_list import Row, row_list
from console.components.shown_once import place_of_secret, show_once
from console.components.user_list import user_chip
from console.messages import plain, refusals, show_error
from console.session import current, require
from services import reasons
from services.errors import BacklotError, NotFound
from services.limits import Override
from services.model import LimitName, Role, User
from services.users import UserView

NEW_LINK = "users_new_link"
LINK_NOTE = "Send it to them now: it is not shown again, and it is good for 24 hours and one use."
LIMITS = {LimitName.JOBS: "jobs an hour", LimitName.UPLOADS: "uploads a day", LimitName.REQUESTS: "requests a minute"}
OVERRIDE_DAYS = 7  # that one lasts unless something else is said


def somebody(admin: User, chosen: str) -> None:
    """The user that the address names, and what may be done with them."""
    if st.button("All users", icon=":material/arrow_back:", type="tertiary", key="user_back"):
        st.query_params.clear()
        st.rerun()
    try:
        user = wiring.services().users.get(admin, _number(chosen))
    except BacklotError as error:
        st.title("User", anchor=False)
        show_error(error)
        return
    _head(user)
    _actions(admin, user)
    place_of_secret(NEW_LINK)
    left, right = st.columns([5, 4], gap="large")
    with left:
        _sessions(admin, user)
        _tokens(admin, user)
    with right:
        _limits(admin, user)


def _head(user: UserView) -> None:
    timezone, chip = look.viewer_timezone(), user_chip(user)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(user.name), anchor=False, width="content")
        st.badge(look.ROLE_NAMES[user.role], color="gray")
        st.badge(chip.label, color=chip.colour)  # type: ignore[arg-type]
    seen = f"last seen {look.moment(user.last_seen_at, timezone=timezone)}" if user.last_seen_at else "never seen"
    st.caption(f"Added {look.moment(user.created_at, timezone=timezone)} · {seen}")


def _actions(admin: User, user: UserView) -> None:
    with st.container(horizontal=True):
        if user.id != admin.id:
            if st.button("Change role", icon=":material/badge:", key="user_role"):
                change_role(user)
            if user.disabled_at is None and st.button("Disable", icon=":material/block:", key="user_disable"):
                disable(user)
            if user.disabled_at is not None and st.button("Enable", icon=":material/check:", key="user_enable"):
                enable(user)
        if user.disabled_at is None and st.button("New password link", icon=":material/key:", key="user_link"):
            with refusals():
                link = wiring.services().users.reset_link(admin, user.id)
                title = f"The link for {user.name} to choose a password"
                show_once(NEW_LINK, title=title, note=LINK_NOTE, secret=link.token, is_link=True)
    if user.id == admin.id:
        st.caption("This is you: another admin has to change your role or disable you.")


def _sessions(admin: User, user: UserView) -> None:
    st.header("Sessions", anchor=False)
    sessions, session = wiring.services().sessions, current()
    with refusals():
        rows = session_rows(
            sessions.of_user(admin, user.id), this=session.id if session else None, timezone=look.viewer_timezone()
        )
        ended = row_list(rows, key="user_session_list", label="Sessions", empty="They are not signed in anywhere.")
        if ended is not None:
            with suppress(NotFound):  # it has ended by itself meanwhile
                sessions.end(admin, UUID(ended))
            st.rerun()
        if rows and st.button("Sign out everywhere", key="user_end_all"):
            end_all(user, len(rows))


def _tokens(admin: User, user: UserView) -> None:
    st.header("API tokens", anchor=False)
    tokens = wiring.services().tokens
    with refusals():
        rows = token_rows(tokens.of_user(admin, user.id), timezone=look.viewer_timezone())
        revoked = row_list(rows, key="user_token_list", label="API tokens", empty="They have no API tokens.")
        if revoked is not None:
            with suppress(NotFound):  # it has ended by itself meanwhile
                tokens.revoke(admin, UUID(revoked))
            st.rerun()


def _limits(admin: User, user: UserView) -> None:
    head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    head.header("Limits of their own", anchor=False, width="content")
    if head.button("Set a limit", icon=":material/tune:", key="user_limit"):
        set_limit(user)
    timezone = look.viewer_timezone()
    with refusals():
        overrides = wiring.services().limits.overrides(admin, user.id)
        rows = [
            Row(
                id=one.name,
                title=_words(one),
                facts=(
                    f"until {look.moment(one.until, timezone=timezone)}",
                    one.reason,
                    f"set by {one.set_by}, {look.moment(one.set_at, timezone=timezone)}",
                ),
                action="Lift",
            )
            for one in overrides
        ]
        empty = "They have what everybody has."
        lifted = row_list(rows, key="user_limit_list", label="Limits of their own", empty=empty)
        override = next((one for one in overrides if one.name == lifted), None)
        if override is not None:
            lift_limit(user, override)


def _words(override: Override) -> str:
    return f"{override.value:,} {LIMITS[override.name]}"


def _ends(user: UserView) -> str:
    """What happens to who is signed in."""
    if not user.open_sessions:
        return "They are not signed in now. Their API tokens end."
    sessions = f"All {user.open_sessions} of their sessions end" if user.open_sessions > 1 else "Their session ends"
    return f"{sessions} now, and so do their API tokens."


def _reason() -> str:
    return st.text_input("Why", max_chars=reasons.LONGEST, key="user_reason", help="It is kept in the history.")


@st.dialog("Change role")
def change_role(user: UserView) -> None:
    """Another role, with the reason."""
    admin = require().user
    with st.form("user_role_form"):
        role = st.radio(
            "Role",
            [role for role in Role if role is not user.role],
            format_func=look.ROLE_NAMES.__getitem__,
            captions=[look.ROLE_MEANINGS[role] for role in Role if role is not user.role],
            key="user_new_role",
        )
        reason = _reason()
        st.caption(_ends(user))
        submitted = st.form_submit_button("Change role", type="primary")
    if submitted:
        with refusals():
            wiring.services().users.set_role(admin, user.id, role, reason=reason)
            st.rerun()


@st.dialog("Disable this user?")
def disable(user: UserView) -> None:
    """No more sign-in, with the reason."""
    admin = require().user
    with st.form("user_disable_form"):
        st.write(f"{plain(user.name)} cannot sign in until an admin enables them again. {_ends(user)}")
        st.caption("Their videos stay, and work that has begun goes on.")
        reason = _reason()
        submitted = st.form_submit_button("Disable", type="primary")
    if submitted:
        with refusals():
            wiring.services().users.disable(admin, user.id, reason=reason)
            st.rerun()


@st.dialog("Enable this user")
def enable(user: UserView) -> None:
    """Sign-in as before, with the reason."""
    admin = require().user
    with st.form("user_enable_form"):
        st.write(f"{plain(user.name)} can sign in again with the password that they had, or by a new link.")
        reason = _reason()
        submitted = st.form_submit_button("Enable", type="primary")
    if submitted:
        with refusals():
            wiring.services().users.enable(admin, user.id, reason=reason)
            st.rerun()


@st.dialog("Sign them out everywhere?")
def end_all(user: UserView, count: int) -> None:
    """Ends all sessions of a user, once it is meant."""
    admin = require().user
    st.write(f"All {count} of their sessions end now." if count > 1 else "Their session ends now.")
    if st.button("Sign out everywhere", type="primary", key="user_end_all_sure"):
        with refusals():
            wiring.services().sessions.end_all(admin, user.id, reason="ended by an admin")
            st.rerun()


@st.dialog("Set a limit")
def set_limit(user: UserView) -> None:
    """A limit of this user in place of everybody's, until a day."""
    admin, timezone = require().user, look.viewer_timezone()
    today = datetime.now(timezone).date()
    with st.form("user_limit_form"):
        name = st.selectbox("Limit", list(LIMITS), format_func=LIMITS.__getitem__, key="user_limit_name")
        value = st.number_input("How many", min_value=0, value=20, key="user_limit_value")
        until = st.date_input(
            "Until the end of",
            today + timedelta(days=OVERRIDE_DAYS),
            min_value=today,
            max_value=today + timedelta(days=366),
            format="YYYY-MM-DD",
            key="user_limit_until",
        )
        reason = _reason()
        submitted = st.form_submit_button("Set the limit", type="primary")
    if submitted and isinstance(until, date):
        end = datetime.combine(until + timedelta(days=1), time.min, tzinfo=timezone).astimezone(UTC)
        with refusals():
            wiring.services().limits.set_override(admin, user.id, name, value=int(value), reason=reason, until=end)
            st.rerun()


@st.dialog("Lift this limit?")
def lift_limit(user: UserView, override: Override) -> None:
    """Everybody's limit again, with the reason."""
    admin = require().user
    with st.form("user_lift_form"):
        st.write(f"Instead of {_words(override)}, they have from now on what everybody has.")
        reason = _reason()
        submitted = st.form_submit_button("Lift the limit", type="primary")
    if submitted:
        with refusals():
            wiring.services().limits.lift_override(admin, user.id, override.name, reason=reason)
            st.rerun()


def _number(text: str) -> int:
    """The id that an address names; 0, which nobody has, where it names none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
