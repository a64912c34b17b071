"""Upload: a drop zone whose files go to the uploads route in parts and resume where they stopped."""

from __future__ import annotations

import streamlit as st

from console import navigation, wiring
from console.components import drop_zone
from console.session import require

require()

st.title("Upload", anchor=False)
opened = drop_zone(size_limit=wiring.settings().upload_size_limit)
if opened is not None:
    st.switch_page(navigation.VIDEO.file, query_params={"id": opened})
