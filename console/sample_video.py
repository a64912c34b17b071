"""The sample video, processed for whoever asks: on Home and in an empty library."""

from __future__ import annotations

import streamlit as st

from console import navigation, wiring
from console.messages import refusals
from services.model import User


def process_sample(user: User) -> None:
    """Leads to the user's sample video; a refusal is shown where this is called."""
    video_id = None
    with refusals(), st.spinner("Uploading the sample…"):
        video_id = wiring.services().samples.process(user)
    if video_id is not None:
        st.switch_page(navigation.VIDEO.file, query_params={"id": str(video_id)})
