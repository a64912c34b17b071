"""My account: where one is signed in, API tokens, limits, the password."""

from __future__ import annotations

import streamlit as st

from console import account_parts, look
from console.messages import plain
from console.session import require

user = require().user

st.title("My account", anchor=False)
st.caption(f"{plain(user.name)} · {look.ROLE_NAMES[user.role]}: {look.ROLE_MEANINGS[user.role]}")
account_parts.tell_change()
left, right = st.columns([5, 4], gap="large")
with left:
    account_parts.account_sessions()
    account_parts.account_tokens()
with right:
    account_parts.account_limits()
    account_parts.account_password()
