"""A password that is chosen: typed twice, and by a link that lets somebody in once."""

from __future__ import annotations

import streamlit as st

from console import wiring
from console.components.session import exchange_ticket, sign_out_button
from console.messages import plain, refusals, show_error
from services.errors import BacklotError, NotFound
from services.model import Session

RESET = "reset"  # in the address
DIFFER = "The two new passwords differ. Type them again."


def chosen_twice() -> tuple[str, str]:
    """Two fields for a new password."""
    chosen = st.text_input("New password", type="password", key="password_chosen", autocomplete="new-password")
    again = st.text_input("New password, again", type="password", key="password_again", autocomplete="new-password")
    return chosen, again


def agree(chosen: tuple[str, str]) -> bool:
    """Whether both were typed alike; says so where they were not."""
    if chosen[0] != chosen[1]:
        st.warning(DIFFER, icon=":material/info:")
    return chosen[0] == chosen[1]


def by_link(token: str, session: Session | None) -> None:
    """Choose a password for whom the link is for: it is used up when the password is saved, not before."""
    if session is not None:
        _while_signed_in(session)
        return
    accounts = wiring.services().accounts
    try:
        name = accounts.who_resets(token)
    except BacklotError as error:
        st.title("Choose a password", anchor=False)
        show_error(error)
        if isinstance(error, NotFound):
            st.write("A link is good once and for 24 hours, and a newer one takes the place of an older.")
        if st.button("Go to sign in", key="reset_leave"):
            _leave()
        return
    st.title("Choose a password", anchor=False)
    st.write(f"It is for **{plain(name)}**: you sign in with this name from now on.")
    with st.form("reset_password"):
        chosen = chosen_twice()
        st.caption("Every session and API token of this name ends when you save it.")
        submitted = st.form_submit_button("Save and sign in", type="primary", width="stretch")
    if submitted and agree(chosen):
        with refusals():
            user = accounts.reset_password(token, chosen[0])
            exchange_ticket(wiring.services().sessions.issue_ticket(user), leads_to="/")


def _while_signed_in(session: Session) -> None:
    st.title("Choose a password", anchor=False)
    st.info(f"You are signed in as {plain(session.user.name)}. Sign out to use this link.", icon=":material/info:")
    with st.container(horizontal=True):
        sign_out_button(stays=True)
        if st.button(f"Stay {plain(session.user.name)}", type="tertiary", key="reset_stay"):
            _leave()


def _leave() -> None:
    del st.query_params[RESET]
    st.rerun()
