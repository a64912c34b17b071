"""Users: who works here; of one, `?user=ID`, what may be done with them."""

from __future__ import annotations

import streamlit as st

from console import user_parts, users_parts
from console.session import require

user = require().user

chosen = st.query_params.get("user")
if chosen is None:
    users_parts.everybody(user)
else:
    user_parts.somebody(user, chosen)
