"""What stands in the place of an output that is not there."""

from __future__ import annotations

import streamlit as st

from console.messages import plain
from services.model import StageName, StageState
from services.videos import VideoDetail

COMING = frozenset({StageState.WAITING, StageState.READY, StageState.RUNNING})


def unmade(video: VideoDetail, name: StageName) -> None:
    """Why there is no output of this stage, and whether it comes."""
    stage = video.stage(name)
    if stage is None or stage.state in COMING:
        st.caption("Not made yet: it appears here by itself.")
    elif stage.state is StageState.SKIPPED:
        st.info(f"Skipped: {plain(stage.reason or 'it makes no sense for this video')}", icon=":material/skip_next:")
    else:
        st.warning(plain(stage.reason or "Not made: the work ended before it."), icon=":material/info:")
