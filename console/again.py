"""What may be done to a job, and what may be made again of a video."""

from __future__ import annotations

import streamlit as st

from console import look, wiring
from console.messages import refusals
from services import kinds
from services.model import UNFINISHED, JobKind, JobState, StageName, User
from services.outputs import ProbeOutput
from services.videos import VideoDetail


def actions(user: User, detail: VideoDetail) -> None:
    """The buttons for what this user may do now; the page is drawn again after one of them."""
    if not detail.may_act:
        return
    operations, job = wiring.services().operations, detail.job
    under_way = next((each for each in detail.jobs if each.state in UNFINISHED), None)
    with st.container(horizontal=True, key="video_actions"):
        if under_way is not None and st.button("Cancel", icon=":material/cancel:", key="video_cancel"):
            with refusals():
                operations.cancel(user, under_way.id)
                st.rerun()
        if (
            under_way is None
            and job.state in {JobState.FAILED, JobState.CANCELLED}
            and st.button("Try again", icon=":material/refresh:", type="primary", key="video_retry")
        ):
            with refusals():
                operations.retry(user, job.id)
                st.rerun()
        sensible = possible(detail)
        if under_way is None and sensible:
            kind = st.menu_button(
                "Make again",
                sensible,
                format_func=lambda kind: f"{look.KIND_NAMES[kind]} (1 AI job)",
                icon=":material/replay:",
                help="One kind of work once more: what is there stays until the new is ready. Each uses one AI job.",
                key="video_again",
            )
            if kind is not None:
                with refusals():
                    operations.submit(user, detail.video.id, kind)
                    st.rerun()


def possible(detail: VideoDetail) -> tuple[JobKind, ...]:
    """The kinds of work that make sense once more."""
    probed = detail.outputs.get(StageName.PROBE)
    if not isinstance(probed, ProbeOutput):
        return ()
    return tuple(
        kind
        for kind in JobKind
        if kind is not JobKind.PIPELINE
        and kinds.refusal(kind, has_sound=probed.has_sound, has_picture=probed.has_picture) is None
    )
