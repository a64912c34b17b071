"""What was made of a video to be shown elsewhere: the bodies of three tabs of its page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from console import look, wiring
from console.components import Data
from console.components.clips import clips
from console.components.gallery import gallery, pictures
from console.components.posts import posts
from console.messages import refusals
from console.session import checked_fragment, require
from console.unmade import unmade
from services.allowances import Allowance
from services.errors import Unavailable
from services.model import StageName
from services.outputs import ClipsOutput, PostsOutput, ProbeOutput, ThumbnailsOutput
from services.videos import VideoDetail


def show_thumbnails(detail: VideoDetail, shots: Sequence[Data]) -> None:
    """The tab Thumbnails; shots are what `pictures` found."""
    if shots:
        gallery(shots, detail)
    else:
        unmade(detail, StageName.THUMBNAILS)


def show_clips(detail: VideoDetail) -> None:
    """The tab Clips, drawn again by itself when a job has made new ones."""
    _clips(detail.video.id, [detail])


def show_posts(detail: VideoDetail) -> None:
    """The tab Posts."""
    output = detail.outputs.get(StageName.POSTS)
    if isinstance(output, PostsOutput):
        posts(output, detail, timezone=look.viewer_timezone())
    else:
        unmade(detail, StageName.POSTS)


@checked_fragment
def _clips(video_id: UUID, read: list[VideoDetail]) -> None:
    """read holds the video for the first draw, with the page; when only this is drawn again it is read again."""
    user = require().user
    with refusals():
        detail = read.pop() if read else wiring.services().videos.get(user, video_id)
        output, thumbnails = detail.outputs.get(StageName.CLIPS), detail.outputs.get(StageName.THUMBNAILS)
        made = isinstance(output, ClipsOutput) and output.clips
        if not made:
            unmade(detail, StageName.CLIPS)
        if not made and not _may_cut(detail):
            return
        allowance: Allowance | None = None
        if detail.may_act:
            with suppress(Unavailable):  # then it is only not said how many are left
                allowance = wiring.services().allowances.of(user)
        shots = pictures(thumbnails, detail) if isinstance(thumbnails, ThumbnailsOutput) else []
        clips(detail, shots, allowance=allowance, timezone=look.viewer_timezone())


def _may_cut(detail: VideoDetail) -> bool:
    """Whether a person could cut a clip where none was found."""
    probed = detail.outputs.get(StageName.PROBE)
    return (
        detail.may_act
        and StageName.TRANSCRIBE in detail.outputs
        and isinstance(probed, ProbeOutput)
        and probed.has_picture
    )
