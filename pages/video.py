"""Video: how far it is, the player, and everything that was made of it."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from console import look, navigation, wiring
from console.components.analysis import analysis
from console.components.clips import clips
from console.components.downloads import downloads
from console.components.gallery import gallery, pictures
from console.components.heading import heading
from console.components.player import player
from console.components.posts import posts
from console.components.stepper import stepper
from console.components.transcript import transcript
from console.messages import plain, refusals, show_error
from console.session import live, require
from services.errors import BacklotError
from services.model import JobState, StageName, StageState
from services.outputs import AnalysisOutput, ClipsOutput, PostsOutput, ProbeOutput, ThumbnailsOutput, TranscriptOutput
from services.videos import FileRow, JobView, VideoDetail

POLL_SECONDS = 1.0
SUBTITLES = ("srt", "vtt", "txt", "json")

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


@live(every=POLL_SECONDS)
def progress(drawn: JobView) -> None:
    """How far the work is; draws the whole page again when a stage has ended, since there is more to see then."""
    job = drawn
    with refusals():
        job = videos.progress(user, drawn.video_id)
    if [stage.state for stage in job.stages] != [stage.state for stage in drawn.stages]:
        st.rerun(scope="app")
    stepper(job, timezone=look.viewer_timezone())


def actions(job: JobView) -> None:
    """The buttons for what may be done to the job now."""
    operations = wiring.services().operations
    if job.state in look.UNFINISHED and st.button("Cancel", icon=":material/cancel:", key="video_cancel"):
        with refusals():
            operations.cancel(user, job.id)
            st.rerun()
    if job.state in {JobState.FAILED, JobState.CANCELLED} and st.button(
        "Try again", icon=":material/refresh:", type="primary", key="video_retry"
    ):
        with refusals():
            operations.retry(user, job.id)
            st.rerun()


def has_picture(video: VideoDetail, source: FileRow) -> bool:
    """Whether there is something to see: what was found in the file, before that what its name says."""
    probed = video.outputs.get(StageName.PROBE)
    return probed.has_picture if isinstance(probed, ProbeOutput) else not source.media_type.startswith("audio/")


def missing(name: StageName) -> None:
    """Why there is no output of this stage."""
    stage = next((stage for job in detail.jobs for stage in job.stages if stage.name is name), None)
    if stage is None or stage.state in {StageState.WAITING, StageState.READY, StageState.RUNNING}:
        st.caption("Not made yet: it appears here by itself.")
    elif stage.state is StageState.SKIPPED:
        st.info(f"Skipped: {plain(stage.reason or 'it makes no sense for this video')}", icon=":material/skip_next:")
    else:
        st.warning(plain(stage.reason or "Not made: the work ended before it."), icon=":material/info:")


detail = load()
video, job = detail.video, detail.job
chip = look.VIDEO_CHIPS[video.state]
facts = [f"by {video.owner}", look.moment(video.created_at, timezone=look.viewer_timezone())]
facts += [part for part in (look.duration(video.duration), look.size(video.size), video.file_name) if part]
heading(video.title, state=chip.label, colour=chip.colour, facts=facts)

thumbnails = detail.outputs.get(StageName.THUMBNAILS)
shots = pictures(thumbnails, detail) if isinstance(thumbnails, ThumbnailsOutput) else []
poster = shots[0]["source"] if shots else None
spoken = detail.outputs.get(StageName.TRANSCRIBE)
subtitles = f"/api/videos/{video.id}/transcript"

left, right = st.columns([3, 2], gap="large")
with left:
    if (source := detail.file("source")) is not None:
        player(
            source=look.file_address(source.id),
            captions=f"{subtitles}.vtt" if spoken else None,
            language=spoken.language if isinstance(spoken, TranscriptOutput) else "",
            poster=poster,
            sound_only=not has_picture(detail, source),
        )
with right:
    if job.state in look.UNFINISHED:
        progress(job)
    else:
        stepper(job, timezone=look.viewer_timezone())
    if detail.may_act:
        with st.container(horizontal=True):
            actions(job)
    if spoken:
        links = [(form.upper(), f"{subtitles}.{form}?download=1") for form in SUBTITLES]
        downloads("Transcript", links)
    if source is not None:
        downloads("Source", [(look.size(source.size), f"{look.file_address(source.id)}?download=1")])

said, analysed, thumbs, cut, written = st.tabs(["Transcript", "Analysis", "Thumbnails", "Clips", "Posts"])
with said:
    if spoken:
        transcript(f"{subtitles}.json")
    else:
        missing(StageName.TRANSCRIBE)
with analysed:
    understood = detail.outputs.get(StageName.ANALYZE)
    if isinstance(understood, AnalysisOutput):
        analysis(understood)
    else:
        missing(StageName.ANALYZE)
with thumbs:
    if shots:
        gallery(shots)
    else:
        missing(StageName.THUMBNAILS)
with cut:
    passages = detail.outputs.get(StageName.CLIPS)
    if isinstance(passages, ClipsOutput) and passages.clips:
        clips(passages, detail, shots)
    else:
        missing(StageName.CLIPS)
with written:
    drafts = detail.outputs.get(StageName.POSTS)
    if isinstance(drafts, PostsOutput):
        posts(drafts)
    else:
        missing(StageName.POSTS)
