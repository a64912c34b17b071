"""Six distinct pictures that could stand for the video, one of them picked, and the times where scenes change."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import structlog

from jobs.contract import ProducedFile, StageContext, StageResult
from services.media.frames import Look, difference, save_frame, save_smaller, survey
from services.media.probing import clock
from services.model import StageName
from services.outputs import ProbeOutput, Thumbnail, ThumbnailsOutput

log = structlog.get_logger()

MOST = 6
WIDEST = 1280  # pixels
SMALL = 480  # pixels: fifty of them make a page of the library
DISTINCT = 6.0  # mean difference, 0 to 255, of two small pictures that a viewer tells apart at a glance
DARKEST, BRIGHTEST = 20.0, 240.0  # mean brightness, 0 to 255, of a picture that shows something
FLATTEST = 8.0  # standard deviation of the brightness: below it there is nothing to see
BLURRIEST = 0.35  # of the video's median sharpness
SURVEYED = 85.0  # percent of the stage when all frames are looked at


def run(context: StageContext) -> StageResult:
    """Surveys the video, chooses and saves. A short or static video gives fewer than six rather than duplicates."""
    probed = context.recorded(StageName.PROBE, ProbeOutput)

    def pulse(at: float) -> None:
        message = f"Generating thumbnails: looking at {clock(at)} of {clock(probed.duration)}"
        context.report(min(SURVEYED, SURVEYED * at / probed.duration), message)

    found = survey(context.source, probed.duration, pulse=pulse)
    chosen = choose(found.looks, probed.duration)
    typical = median(look.sharpness for look in found.looks) if found.looks else 0.0
    best = max(chosen, key=lambda look: appeal(look, typical), default=None)
    thumbnails: list[Thumbnail] = []
    files: list[ProducedFile] = []
    for position, look in enumerate(chosen):
        done = SURVEYED + (100 - SURVEYED) * position / len(chosen)
        context.report(done, f"Generating thumbnails: saving {position + 1} of {len(chosen)}")
        path = context.workspace / f"thumbnail-{position}.jpg"
        width, height = save_frame(context.source, look.at, path, widest=WIDEST)
        small = context.workspace / f"thumbnail-{position}-small.jpg"
        save_smaller(path, small, widest=SMALL)
        files += (
            ProducedFile(path=path, role="thumbnail", position=position, media_type="image/jpeg"),
            ProducedFile(path=small, role="thumbnail_small", position=position, media_type="image/jpeg"),
        )
        thumbnails.append(
            Thumbnail(
                position=position,
                at=round(look.at, 3),
                width=width,
                height=height,
                sharpness=round(look.sharpness, 1),
                picked=look is best,
                reason=reason(look, typical, picked=look is best, of=len(chosen)),
            )
        )
    log.info("thumbnails_made", looks=len(found.looks), thumbnails=len(thumbnails), cuts=len(found.scene_cuts))
    return StageResult(
        output=ThumbnailsOutput(thumbnails=tuple(thumbnails), scene_cuts=found.scene_cuts), files=tuple(files)
    )


def choose(looks: Sequence[Look], duration: float) -> list[Look]:
    """Up to six looks that show something, are not blurred and differ from each other, in order of time.

    The most appealing come first, spread over the video where it has enough of them.
    """
    typical = median(look.sharpness for look in looks) if looks else 0.0
    shown = [
        look
        for look in looks
        if DARKEST <= look.brightness <= BRIGHTEST
        and look.contrast >= FLATTEST
        and look.sharpness >= BLURRIEST * typical
    ]
    ranked = sorted(shown, key=lambda look: -appeal(look, typical))
    chosen: list[Look] = []
    for apart in (duration / (2 * MOST), 0.0):
        for look in ranked:
            if len(chosen) == MOST:
                break
            far = all(abs(look.at - other.at) >= apart for other in chosen)
            if far and all(difference(look, other) >= DISTINCT for other in chosen):
                chosen.append(look)
    return sorted(chosen, key=lambda look: look.at)


def appeal(look: Look, typical: float) -> float:
    """How well a frame would do as a thumbnail, 0 to 1: mostly sharpness, then contrast, then light.

    typical is the video's median sharpness; twice that is as sharp as it counts, so that noise does not win.
    """
    sharp = min(1.0, look.sharpness / (2 * typical)) if typical else 0.0
    contrast = min(1.0, look.contrast / 64)
    light = 1 - abs(look.brightness - 128) / 128
    return 0.6 * sharp + 0.25 * contrast + 0.15 * light


def reason(look: Look, typical: float, *, picked: bool, of: int) -> str:
    """Why this picture is offered, in the figures it was chosen by."""
    sharpness = look.sharpness / typical if typical else 1.0
    figures = f"{sharpness:.1f} times as sharp as the typical frame, {look.brightness / 255:.0%} bright"
    if not picked:
        return f"Distinct from the others; {figures}."
    return f"The best of {of} by sharpness, contrast and light: {figures}." if of > 1 else f"{figures.capitalize()}."
