"""Choose a password: the only page while a one-time password is in use, and what a reset link leads to."""

from __future__ import annotations

import streamlit as st

from console import reset_parts, wiring
from console.components.session import exchange_ticket, sign_out_button
from console.messages import refusals
from console.session import current

session = current()

with st.container(horizontal_alignment="center"), st.container(width=400):
    st.space("xlarge")
    if (token := st.query_params.get(reset_parts.RESET)) is not None:
        reset_parts.by_link(token, session)
    elif session is None:
        st.rerun()
    else:
        st.title("Choose a password", anchor=False)
        st.write("The password you signed in with was for one time. Choose your own to go on.")
        with st.form("choose_password"):
            given = st.text_input(
                "One-time password", type="password", key="password_given", autocomplete="current-password"
            )
            chosen = reset_parts.chosen_twice()
            submitted = st.form_submit_button("Save and go on", type="primary", width="stretch")
        if submitted and reset_parts.agree(chosen):
            with refusals():
                services = wiring.services()
                services.accounts.change_password(session.user, given, chosen[0])
                # A fresh session under the new password.
                exchange_ticket(services.sessions.issue_ticket(session.user))
        sign_out_button()
