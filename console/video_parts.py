"""The parts of the Video page: each is drawn again by itself when the work that fills it has moved on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import streamlit as st

from console import look, wiring
from console.again import actions
from console.components.analysis import analysis
from console.components.clips import clips
from console.components.details import details
from console.components.gallery import gallery, pictures
from console.components.heading import heading
from console.components.lineage import lineage
from console.components.player import player
from console.components.posts import posts
from console.components.stepper import stepper
from console.components.transcript import transcript
from console.messages import refusals, show_error
from console.session import checked_fragment, current, require
from console.unmade import COMING, unmade
from services.errors import BacklotError, Unavailable
from services.limits import LimitsView
from services.model import StageName
from services.outputs import AnalysisOutput, ClipsOutput, PostsOutput, ProbeOutput, ThumbnailsOutput
from services.videos import VideoDetail


@dataclass
class Shown:
    """The video of the page as it was read last; as_of is a moment before that, in seconds since 1970.

    problem is why it could not be read again.
    """

    detail: VideoDetail
    as_of: float
    problem: BacklotError | None = None


@checked_fragment
def video_heading(shown: Shown) -> None:
    """Its name, its state, and whose and when it is, with the zone of the times on this page."""
    video, timezone = shown.detail.video, look.viewer_timezone()
    chip, uploaded = look.VIDEO_CHIPS[video.state], look.moment(video.created_at, timezone=timezone)
    about = [f"by {video.owner}", f"{uploaded} ({timezone})", look.duration(video.duration)]
    heading(
        video.id,
        video.title,
        state=chip.label,
        colour=chip.colour,
        facts=[part for part in about if part],
        tags=video.tags,
        may_act=shown.detail.may_act,
    )


@checked_fragment
def video_player(shown: Shown) -> None:
    """The uploaded film, which plays on while more becomes known of it."""
    if (source := shown.detail.file("source")) is not None:
        player(shown.detail, source, _pictures(shown.detail))


@checked_fragment
def video_work(shown: Shown) -> None:
    """How far the work is, also such as begins later, what may be done now, and facts and files."""
    if shown.problem is not None:
        show_error(shown.problem)
    with st.container(gap=None):  # while nothing runs, the place of the stages takes none
        stepper(shown.detail.job, as_of=shown.as_of, changed=partial(_follow, shown))
        actions(require().user, shown.detail)
    details(shown.detail)


@checked_fragment
def video_transcript(shown: Shown) -> None:
    if StageName.TRANSCRIBE in shown.detail.outputs:
        transcript(shown.detail)
    else:
        unmade(shown.detail, StageName.TRANSCRIBE)


@checked_fragment
def video_analysis(shown: Shown) -> None:
    output = shown.detail.outputs.get(StageName.ANALYZE)
    if isinstance(output, AnalysisOutput):
        analysis(output)
    else:
        unmade(shown.detail, StageName.ANALYZE)


@checked_fragment
def video_thumbnails(shown: Shown) -> None:
    if shots := _pictures(shown.detail):
        gallery(shots, shown.detail)
    else:
        unmade(shown.detail, StageName.THUMBNAILS)


@checked_fragment
def video_clips(shown: Shown) -> None:
    detail, output = shown.detail, shown.detail.outputs.get(StageName.CLIPS)
    made = isinstance(output, ClipsOutput) and output.clips
    if not made:
        unmade(detail, StageName.CLIPS)
    if not made and not _may_cut(detail):
        return
    limits: LimitsView | None = None
    if detail.may_act:
        with suppress(Unavailable):  # then it is only not said how many are left
            limits = wiring.services().limits.of(require().user)
    clips(
        detail,
        _pictures(detail),
        limits=limits,
        timezone=look.viewer_timezone(),
        changed=partial(_follow, shown, "video_clips"),
    )


@checked_fragment
def video_posts(shown: Shown) -> None:
    output = shown.detail.outputs.get(StageName.POSTS)
    if isinstance(output, PostsOutput):
        posts(output, shown.detail, timezone=look.viewer_timezone())
    else:
        unmade(shown.detail, StageName.POSTS)


@checked_fragment
def video_lineage(shown: Shown) -> None:
    with refusals():
        if shown.detail.outputs:
            lineage(wiring.services().lineages.of_video(require().user, shown.detail.video.id))
        else:
            st.caption("Nothing has been made yet: each output is listed here with how it came to be.")


# By the name of the part, which is that of its fragment: the stages whose end it shows.
FILLED_BY: Mapping[str, frozenset[StageName]] = MappingProxyType(
    {
        "video_player": frozenset({StageName.PROBE, StageName.TRANSCRIBE, StageName.THUMBNAILS, StageName.ANALYZE}),
        "video_transcript": frozenset({StageName.TRANSCRIBE}),
        "video_analysis": frozenset({StageName.ANALYZE}),
        "video_thumbnails": frozenset({StageName.THUMBNAILS}),
        "video_clips": frozenset({StageName.PROBE, StageName.TRANSCRIBE, StageName.THUMBNAILS, StageName.CLIPS}),
        "video_posts": frozenset({StageName.POSTS}),
        "video_lineage": frozenset(StageName),
    }
)


def moved_on(before: VideoDetail, after: VideoDetail) -> list[str]:
    """The names of the parts that have something else to show."""
    moved = {name for name in StageName if _standing(before, name) != _standing(after, name)}
    parts = [part for part, stages in FILLED_BY.items() if stages & moved]
    if (before.video.state, before.video.duration) != (after.video.state, after.video.duration):
        parts.append("video_heading")
    return ["video_work", *parts]


def _follow(shown: Shown, *parts: str) -> None:
    """Reads the video again, and draws these parts and those that have something else to show."""
    session = current()
    if session is None:
        return  # the part that asked is run, and leads to the sign-in page
    before, now = shown.detail, time.time()
    try:
        shown.detail, shown.as_of = wiring.services().videos.get(session.user, before.video.id), now
        shown.problem = None
    except BacklotError as error:
        shown.problem = error
    st.rerun([*{*parts, *moved_on(before, shown.detail)}])


def _standing(detail: VideoDetail, name: StageName) -> tuple[int, bool] | None:
    """The newest stage of this name, and whether it is still to come."""
    stage = detail.stage(name)
    return None if stage is None else (stage.id, stage.state in COMING)


def _pictures(detail: VideoDetail) -> Sequence[Mapping[str, Any]]:
    output = detail.outputs.get(StageName.THUMBNAILS)
    return pictures(output, detail) if isinstance(output, ThumbnailsOutput) else []


def _may_cut(detail: VideoDetail) -> bool:
    """Whether a person could cut a clip where none was found."""
    probed = detail.outputs.get(StageName.PROBE)
    return (
        detail.may_act
        and StageName.TRANSCRIBE in detail.outputs
        and isinstance(probed, ProbeOutput)
        and probed.has_picture
    )
