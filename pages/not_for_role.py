"""In the place of a page that is not for the role of whoever asks for it."""

from __future__ import annotations

import streamlit as st

from console import look, navigation
from console.session import require

user = require().user

st.title("Not for your role", anchor=False)
st.write(f"Your role, {look.ROLE_NAMES[user.role].lower()}, has no such page. If you need it, ask an admin.")
if st.button("Go to Home", type="primary", key="not_for_role_home"):
    st.switch_page(navigation.HOME.file)
