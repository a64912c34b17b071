"""What a page tells everybody before they wonder."""

from __future__ import annotations

import streamlit as st

from console import wiring
from console.messages import plain
from console.session import require
from services.errors import BacklotError
from services.model import QueueName

WORK = {QueueName.MEDIA: "Reading videos and making clips", QueueName.AI: "Analysing and writing"}


def tell_pauses() -> None:
    """One notice for each queue that is paused, with the reason; none while the database does not answer."""
    try:
        pauses = wiring.services().operations.pauses(require().user)
    except BacklotError:
        return  # what the page itself asks for says so
    for pause in pauses:
        st.info(
            f"{WORK[pause.queue]} is paused: {plain(pause.reason.rstrip('.'))}. "
            "What is uploaded is kept, and goes on by itself.",
            icon=":material/pause_circle:",
        )
