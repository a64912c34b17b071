"""Videos: what there is, newest first, with its state."""

from __future__ import annotations

import streamlit as st

from console import look, navigation, wiring
from console.components.video_list import video_list
from console.messages import show_error
from console.notices import tell_pauses
from console.session import live, require
from services.errors import BacklotError
from services.model import Role, VideoState
from services.permissions import Action, permits
from services.videos import VideoPage

PAGE_SIZE = 50
POLL_SECONDS = 3.0

user = require().user
may_upload = permits(user, Action.UPLOAD, user.id)

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Videos", anchor=False, width="content")
    if may_upload and st.button("Upload", type="primary", icon=":material/upload:", key="videos_upload"):
        st.switch_page(navigation.UPLOAD.file)


def load() -> VideoPage:
    """The newest videos. Stops the page with a sentence when they cannot be had."""
    try:
        return wiring.services().videos.list(user, limit=st.session_state.setdefault("videos_shown", PAGE_SIZE))
    except BacklotError as error:
        show_error(error)
        st.stop()


def draw(page: VideoPage) -> None:
    """The list, and what to do when it is empty or longer than what is shown."""
    if not page.rows:
        with st.container(border=True, horizontal_alignment="center"):
            st.subheader("No videos yet", anchor=False, text_alignment="center")
            st.write("Upload one: it is transcribed, analysed and turned into clips and posts.")
            if may_upload and st.button("Upload a video", icon=":material/upload:", key="videos_first_upload"):
                st.switch_page(navigation.UPLOAD.file)
        return
    opened = video_list(page.rows, show_owner=user.role is not Role.CREATOR, timezone=look.viewer_timezone())
    if opened is not None:
        st.switch_page(navigation.VIDEO.file, query_params={"id": opened})
    if page.next is not None and st.button("Show more", key="videos_more"):
        st.session_state["videos_shown"] += PAGE_SIZE
        st.rerun(scope="app")


@live(every=POLL_SECONDS)
def changing_videos() -> None:
    """Asks again while something in the list is still changing, and no longer."""
    page = load()
    if not is_changing(page):
        st.rerun(scope="app")
    draw(page)


def is_changing(page: VideoPage) -> bool:
    return any(row.state in {VideoState.UPLOADED, VideoState.PROCESSING} for row in page.rows)


first = load()
if is_changing(first):
    tell_pauses()
    changing_videos()
else:
    draw(first)
