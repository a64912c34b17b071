"""Video: how far it is, the player, and everything that was made of it."""

from __future__ import annotations

import time
from uuid import UUID

import streamlit as st

from console import navigation, video_parts, wiring
from console.messages import show_error
from console.session import require
from services.errors import BacklotError, Unavailable
from services.videos import VideoDetail

user = require().user


def load() -> VideoDetail:
    """The video that the address names. Stops the page where there is none to see."""
    try:
        return wiring.services().videos.get(user, UUID(st.query_params.get("id", "")))
    except ValueError:
        st.title("Video", anchor=False)
        st.info("Choose a video to open.", icon=":material/info:")
    except BacklotError as error:
        st.title("Video", anchor=False)
        show_error(error)
        if isinstance(error, Unavailable):
            st.button("Try again", icon=":material/refresh:", key="video_again")
    if st.button("All videos", key="video_all"):
        st.switch_page(navigation.VIDEOS.file)
    st.stop()


asked_at = time.time()
shown = video_parts.Shown(detail=load(), as_of=asked_at)
video_parts.video_heading(shown)
left, right = st.columns([5, 3], gap="large")
with left:
    video_parts.video_player(shown)
with right:
    video_parts.video_work(shown)
parts = {
    "Transcript": video_parts.video_transcript,
    "Analysis": video_parts.video_analysis,
    "Thumbnails": video_parts.video_thumbnails,
    "Clips": video_parts.video_clips,
    "Posts": video_parts.video_posts,
    "How it was made": video_parts.video_lineage,
}
for tab, draw in zip(st.tabs(list(parts)), parts.values(), strict=True):
    with tab:
        draw(shown)
