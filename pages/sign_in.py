"""Sign in: the only page without a session."""

from __future__ import annotations

import streamlit as st

from console import wiring
from console.components.session import exchange_ticket
from console.messages import refusals

with st.container(horizontal_alignment="center"), st.container(width=400):
    st.space("xlarge")
    st.title("Sign in", anchor=False)
    st.caption("Backlot turns a talk into clips, posts and pictures.")
    with st.form("sign_in"):
        name = st.text_input("Name", key="sign_in_name", autocomplete="username")
        password = st.text_input("Password", type="password", key="sign_in_password", autocomplete="current-password")
        submitted = st.form_submit_button("Sign in", type="primary", width="stretch")
    if submitted:
        with refusals():
            services = wiring.services()
            user = services.accounts.sign_in(name.strip(), password, address=st.context.ip_address or "127.0.0.1")
            exchange_ticket(services.sessions.issue_ticket(user))
    st.caption("No account yet? Ask whoever runs Backlot for you.")
