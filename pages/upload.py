"""Upload: a drop zone whose files go to the uploads route in parts and resume where they stopped."""

from __future__ import annotations

import streamlit as st

from console import navigation, wiring
from console.components.meter import meter
from console.components.upload import drop_zone
from console.messages import refusals
from console.notices import tell_pauses
from console.session import checked_fragment, require

user = require().user

st.title("Upload", anchor=False)
tell_pauses()
with refusals():
    meter(wiring.services().limits.of(user), user, key="upload_meter", is_wide=True)


@checked_fragment
def files() -> None:
    opened = drop_zone(size_limit=wiring.settings().upload_size_limit)
    if opened is not None:
        st.switch_page(navigation.VIDEO.file, query_params={"id": opened})


files()
