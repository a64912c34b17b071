"""Video: how far it is, the player, and everything that was made of it."""

from __future__ import annotations

import time
from uuid import UUID

import streamlit as st

from console import look, navigation, wiring
from console.again import actions
from console.components.analysis import analysis
from console.components.details import details
from console.components.gallery import pictures
from console.components.heading import heading
from console.components.lineage import lineage
from console.components.player import player
from console.components.stepper import has_changed, stepper
from console.components.transcript import transcript
from console.messages import refusals, show_error
from console.repurposed import show_clips, show_posts, show_thumbnails
from console.session import checked_fragment, require
from console.unmade import unmade
from services.errors import BacklotError
from services.model import JobState, StageName
from services.outputs import AnalysisOutput, ThumbnailsOutput
from services.videos import JobView, VideoDetail

user = require().user
videos = wiring.services().videos


def load() -> VideoDetail:
    """The video that the address names. Stops the page where there is none to see."""
    try:
        return videos.get(user, UUID(st.query_params.get("id", "")))
    except ValueError:
        st.info("Choose a video to open.", icon=":material/info:")
    except BacklotError as error:
        show_error(error)
    if st.button("All videos", key="video_all"):
        st.switch_page(navigation.VIDEOS.file)
    st.stop()


@checked_fragment
def progress(drawn: JobView, as_of: float) -> None:
    """How far the work is; draws the whole page again when a stage has ended, since there is more to see then."""
    job = drawn
    if has_changed():
        now = time.time()
        with refusals():
            job, as_of = videos.progress(user, drawn.video_id), now
        if settled(job) != settled(drawn):
            st.rerun(scope="app")
    stepper(job, as_of=as_of)


def settled(job: JobView) -> tuple[object, ...]:
    """What of a job is over: there is something else to see on the page when it changes."""
    return job.id, job.state in look.UNFINISHED, [stage.id for stage in job.stages if stage.finished_at is not None]


asked_at = time.time()
detail = load()
video, job = detail.video, detail.job
chip, timezone = look.VIDEO_CHIPS[video.state], look.viewer_timezone()
about = [f"by {video.owner}", look.moment(video.created_at, timezone=timezone), look.duration(video.duration)]
heading(
    video.id,
    video.title,
    state=chip.label,
    colour=chip.colour,
    facts=[part for part in about if part],
    tags=video.tags,
    may_act=detail.may_act,
)

thumbnails = detail.outputs.get(StageName.THUMBNAILS)
shots = pictures(thumbnails, detail) if isinstance(thumbnails, ThumbnailsOutput) else []

left, right = st.columns([5, 3], gap="large")
with left:
    if (source := detail.file("source")) is not None:
        player(detail, source, shots)
with right:
    if job.state is not JobState.SUCCEEDED:
        progress(job, asked_at)
    actions(user, detail)
    details(detail)

said, analysed, thumbs, cut, written, made = st.tabs(
    ["Transcript", "Analysis", "Thumbnails", "Clips", "Posts", "How it was made"]
)
with said:
    if StageName.TRANSCRIBE in detail.outputs:
        transcript(detail)
    else:
        unmade(detail, StageName.TRANSCRIBE)
with analysed:
    understood = detail.outputs.get(StageName.ANALYZE)
    if isinstance(understood, AnalysisOutput):
        analysis(understood)
    else:
        unmade(detail, StageName.ANALYZE)
with thumbs:
    show_thumbnails(detail, shots)
with cut:
    show_clips(detail)
with written:
    show_posts(detail)
with made, refusals():
    if detail.outputs:
        lineage(wiring.services().lineages.of_video(user, video.id))
    else:
        st.caption("Nothing has been made yet: each output is listed here with how it came to be.")
