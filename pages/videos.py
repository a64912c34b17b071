"""Videos: what there is, newest first, with its state."""

from __future__ import annotations

import streamlit as st

from console import look, navigation, wiring
from console.components import video_list
from console.messages import show_error
from console.session import live, require
from services.errors import BacklotError
from services.model import Role, VideoState
from services.permissions import Action, permits

PAGE_SIZE = 50
POLL_SECONDS = 3.0

user = require().user
may_upload = permits(user, Action.UPLOAD, user.id)

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Videos", anchor=False, width="content")
    if may_upload and st.button("Upload", type="primary", icon=":material/upload:", key="videos_upload"):
        st.switch_page(navigation.UPLOAD.file)


def videos() -> None:
    """The list, and what to do when it is empty or longer than what is shown."""
    shown = st.session_state.setdefault("videos_shown", PAGE_SIZE)
    try:
        page = wiring.services().videos.list(user, limit=shown)
    except BacklotError as error:
        show_error(error)
        return
    unfinished = any(row.state in {VideoState.UPLOADED, VideoState.PROCESSING} for row in page.rows)
    if unfinished != st.session_state.get("videos_unfinished"):
        st.session_state["videos_unfinished"] = unfinished
        st.rerun(scope="app")
    if not page.rows:
        with st.container(border=True, horizontal_alignment="center"):
            st.subheader("No videos yet", anchor=False, text_alignment="center")
            st.write("Upload one: it is transcribed, analysed and turned into clips and posts.")
            if may_upload and st.button("Upload a video", icon=":material/upload:", key="videos_first_upload"):
                st.switch_page(navigation.UPLOAD.file)
        return
    rows = [look.video_row(row, timezone=look.viewer_timezone()) for row in page.rows]
    opened = video_list(rows, show_owner=user.role is not Role.CREATOR)
    if opened is not None:
        st.switch_page(navigation.VIDEO.file, query_params={"id": opened})
    if page.next is not None and st.button("Show more", key="videos_more"):
        st.session_state["videos_shown"] = shown + PAGE_SIZE
        st.rerun(scope="app")


# The list asks again only while something in it is still changing.
live(every=POLL_SECONDS if st.session_state.get("videos_unfinished") else None)(videos)()
