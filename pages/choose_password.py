"""Choose a password: the only page while a one-time password is in use."""

from __future__ import annotations

import streamlit as st

from console import wiring
from console.components.session import exchange_ticket, sign_out_button
from console.messages import refusals
from console.session import current

session = current()
if session is None:
    st.rerun()

with st.container(horizontal_alignment="center"), st.container(width=400):
    st.space("xlarge")
    st.title("Choose a password", anchor=False)
    st.write("The password you signed in with was for one time. Choose your own to go on.")
    with st.form("choose_password"):
        given = st.text_input(
            "One-time password", type="password", key="password_given", autocomplete="current-password"
        )
        chosen = st.text_input("New password", type="password", key="password_chosen", autocomplete="new-password")
        again = st.text_input("New password, again", type="password", key="password_again", autocomplete="new-password")
        submitted = st.form_submit_button("Save and go on", type="primary", width="stretch")
    if submitted and chosen != again:
        st.warning("The two new passwords differ. Type them again.", icon=":material/info:")
    elif submitted:
        with refusals():
            services = wiring.services()
            services.accounts.change_password(session.user, given, chosen)
            # A fresh session under the new password.
            exchange_ticket(services.sessions.issue_ticket(session.user))
    sign_out_button()
