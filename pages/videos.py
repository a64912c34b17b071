"""Videos: what there is, newest first, with its state."""

from __future__ import annotations

import streamlit as st

from console import look, navigation, wiring
from console.components import video_list
from console.messages import show_error
from console.session import require
from services.errors import BacklotError
from services.model import Role

PAGE_SIZE = 50

user = require().user

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Videos", anchor=False, width="content")
    if st.button("Upload", type="primary", icon=":material/upload:", key="videos_upload"):
        st.switch_page(navigation.UPLOAD.file)

shown = st.session_state.setdefault("videos_shown", PAGE_SIZE)
try:
    page = wiring.services().videos.list(user, limit=shown, before=None)
except BacklotError as error:
    show_error(error)
    st.stop()

if not page.rows:
    with st.container(border=True, horizontal_alignment="center"):
        st.subheader("No videos yet", anchor=False, text_alignment="center")
        st.write("Upload one: it is transcribed, analysed and turned into clips and posts.")
        if st.button("Upload a video", icon=":material/upload:", key="videos_first_upload"):
            st.switch_page(navigation.UPLOAD.file)
    st.stop()

rows = [look.video_row(row, timezone=look.viewer_timezone()) for row in page.rows]
opened = video_list(rows, show_owner=user.role is not Role.CREATOR)
if opened is not None:
    st.switch_page(navigation.VIDEO.file, query_params={"id": opened})

if page.next is not None and st.button("Show more", key="videos_more"):
    st.session_state["videos_shown"] = shown + PAGE_SIZE
    st.rerun()
