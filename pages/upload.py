"""Upload: a drop zone whose files go to the uploads route in parts and resume where they stopped."""

from __future__ import annotations

import streamlit as st

from console import look, navigation, wiring
from console.components.upload import drop_zone
from console.messages import show_error
from console.notices import tell_pauses
from console.session import checked_fragment, require
from services.errors import BacklotError
from services.limits import LimitsView
from services.permissions import Action, permits

user = require().user

st.title("Upload", anchor=False)
if not permits(user, Action.UPLOAD, user.id):
    st.info("Your role looks at videos and does not upload any.", icon=":material/info:")
    st.stop()
tell_pauses()


def left() -> LimitsView | None:
    """What is left of the limits; None, and a sentence, while nobody can tell."""
    try:
        return wiring.services().limits.of(user)
    except BacklotError as error:
        show_error(error)
        return None


@checked_fragment
def files() -> None:
    """Runs again with each file that was accepted."""
    opened = drop_zone(size_limit=wiring.settings().upload_size_limit, limits=left(), timezone=look.viewer_timezone())
    if opened is not None:
        st.switch_page(navigation.VIDEO.file, query_params={"id": opened})


files()
