"""The best passages as short videos: captioned 9:16, and clean 16:9, cut between words.

Or, where a person asked for them, those clips alone: what the video has besides stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from jobs.contract import ProducedFile, StageContext, StageResult
from services import cuts as asking
from services.cuts import LEAD_IN, LEAD_OUT, LONGEST, ROUNDING, SHORTEST
from services.engines.analysis import score_passages
from services.media.captions import captions
from services.media.frames import save_frame
from services.media.rendering import Passage, Shape, even, render
from services.model import StageName
from services.outputs import (
    AnalysisOutput,
    Clip,
    ClipsOutput,
    Highlight,
    ProbeOutput,
    ThumbnailsOutput,
    TranscriptOutput,
    Word,
)

log = structlog.get_logger()

MOST = 3
LARGE = 720  # pixels of the shorter side from which on the portrait clip is 1080 wide
OVERLAPPING = 20  # words before a place that may reach beyond it
DEFAULT_FRAME_RATE = 30.0
POSTER_AT = 0.8  # seconds of the clip: by then something is said, and its caption stands
POSTER_WIDEST = 640  # pixels


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A passage whose ends lie between words, in seconds of the video."""

    start: float
    end: float
    words: tuple[Word, ...]
    highlight: Highlight


def run(context: StageContext) -> StageResult:
    """Renders up to three clips, or those that were asked for, each from one decode.

    A video without a passage worth cutting gives none. Raises BadInput for options that cannot be read.
    """
    probed = context.recorded(StageName.PROBE, ProbeOutput)
    transcript = context.recorded(StageName.TRANSCRIBE, TranscriptOutput)
    words = asking.words_of(transcript)
    if wanted := asking.cuts_of(context.options):
        before = context.outputs.get(StageName.CLIPS)
        there = {clip.position: clip for clip in before.clips} if isinstance(before, ClipsOutput) else {}
        new = _asked_for(context, wanted, transcript, words)
    else:
        there = {}
        new = _chosen(context, probed, words)
    moved = [clip for clip in new if not _is_there(clip, there)]
    files = _render_all(context, probed, moved, words)
    clips = there | {clip.position: clip if clip in moved else _renamed(clip, there) for clip in new}
    log.info("clips_rendered", clips=len(moved), seconds=round(sum(clip.end - clip.start for clip in moved), 1))
    return StageResult(output=ClipsOutput(clips=tuple(clips[position] for position in sorted(clips))), files=files)


def _chosen(context: StageContext, probed: ProbeOutput, words: Sequence[Word]) -> list[Clip]:
    """The best passages of the analysis."""
    analysis = context.recorded(StageName.ANALYZE, AnalysisOutput)
    thumbnails = context.outputs.get(StageName.THUMBNAILS)
    scene_cuts = thumbnails.scene_cuts if isinstance(thumbnails, ThumbnailsOutput) else ()
    return [
        Clip(
            position=position,
            start=cut.start,
            end=cut.end,
            title=cut.highlight.title,
            text=_said(cut.words),
            score=cut.highlight.score,
            factors=cut.highlight.factors,
            made_by=context.job_id,
        )
        for position, cut in enumerate(choose(analysis.highlights, words, probed.duration, scene_cuts))
    ]


def _asked_for(
    context: StageContext, wanted: Sequence[asking.Cut], transcript: TranscriptOutput, words: Sequence[Word]
) -> list[Clip]:
    """The clips that a person cut, judged by the same measure as those that were found."""
    context.report(0.0, "Weighing the new cut")
    judged = score_passages(transcript, [(cut.start, cut.end) for cut in wanted])
    return [
        Clip(
            position=cut.position,
            start=cut.start,
            end=cut.end,
            title=cut.title,
            text=_said(asking.words_within(words, cut.start, cut.end)),
            score=score,
            factors=factors,
            made_by=context.job_id,
            by_hand=True,
        )
        for cut, (score, factors) in zip(wanted, (one or (0.0, ()) for one in judged), strict=True)
    ]


def _is_there(clip: Clip, there: Mapping[int, Clip]) -> bool:
    """Whether this very passage was rendered already."""
    other = there.get(clip.position)
    return other is not None and (other.start, other.end) == (clip.start, clip.end)


def _renamed(clip: Clip, there: Mapping[int, Clip]) -> Clip:
    return there[clip.position].model_copy(update={"title": clip.title})


def _said(words: Sequence[Word]) -> str:
    return " ".join(word.text.strip() for word in words)


def _render_all(
    context: StageContext, probed: ProbeOutput, clips: Sequence[Clip], words: Sequence[Word]
) -> tuple[ProducedFile, ...]:
    total = sum(clip.end - clip.start for clip in clips)
    files: list[ProducedFile] = []
    rendered = 0.0
    for number, clip in enumerate(clips, start=1):
        length = clip.end - clip.start

        def pulse(done: float, before: float = rendered, length: float = length, number: int = number) -> None:
            percent = 100 * (before + done * length) / total
            context.report(percent, f"Rendering clip {number} of {len(clips)}: {done:.0%}")

        files += _render(context, probed, clip, asking.words_within(words, clip.start, clip.end), pulse)
        rendered += length
    return tuple(files)


def _render(
    context: StageContext, probed: ProbeOutput, clip: Clip, words: Sequence[Word], pulse: Callable[[float], None]
) -> list[ProducedFile]:
    """Both shapes of one clip, each with a picture that stands for it until it plays.

    Only the portrait one carries captions: the wide one is for players with their own.
    """
    position, width, height = clip.position, probed.width or 2, probed.height or 2
    portrait_width, portrait_height = (1080, 1920) if min(width, height) >= LARGE else (720, 1280)
    landscape_height = min(1080, max(height, width * 9 / 16))
    caption_file = f"captions-{position}.ass"
    (context.workspace / caption_file).write_text(
        captions(words, start=clip.start, width=portrait_width, height=portrait_height)
    )
    passage = Passage(
        source=context.source,
        start=clip.start,
        end=clip.end,
        width=width,
        height=height,
        frame_rate=probed.frame_rate or DEFAULT_FRAME_RATE,
        has_sound=probed.has_sound,
    )
    shapes = {
        "clip_portrait": Shape(
            name=f"portrait-{position}.mp4", width=portrait_width, height=portrait_height, captions=caption_file
        ),
        "clip_landscape": Shape(
            name=f"landscape-{position}.mp4", width=even(landscape_height * 16 / 9), height=even(landscape_height)
        ),
    }
    render(passage, list(shapes.values()), context.workspace, pulse=pulse)
    files: list[ProducedFile] = []
    for role, shape in shapes.items():
        clip_file, poster = context.workspace / shape.name, context.workspace / f"{role}-{position}.jpg"
        save_frame(clip_file, min(POSTER_AT, (clip.end - clip.start) / 2), poster, widest=POSTER_WIDEST)
        files.append(ProducedFile(path=clip_file, role=role, position=position, media_type="video/mp4"))
        files.append(ProducedFile(path=poster, role=f"{role}_poster", position=position, media_type="image/jpeg"))
    return files


def choose(
    highlights: Sequence[Highlight], words: Sequence[Word], duration: float, scene_cuts: Sequence[float] = ()
) -> list[Cut]:
    """The best highlights that do not overlap, at most three, each moved to pauses between words; best first.

    words are in order of time; times are seconds of the video.
    """
    cuts: list[Cut] = []
    for highlight in highlights:
        cut = between_words(highlight, words, duration, scene_cuts)
        if cut is not None and all(cut.end <= other.start or other.end <= cut.start for other in cuts):
            cuts.append(cut)
        if len(cuts) == MOST:
            break
    return cuts


def between_words(
    highlight: Highlight, words: Sequence[Word], duration: float, scene_cuts: Sequence[float]
) -> Cut | None:
    """The highlight as a cut that starts and ends in pauses; None where less than three seconds are left of it.

    A little of the pause is kept at each end, but nothing of another scene. A passage that
    is too long ends with the last sentence that fits, or where there is none with the last word.
    """
    inside = [
        number
        for number, word in enumerate(words)
        if word.start >= highlight.start - ROUNDING and word.end <= highlight.end + ROUNDING
    ]
    if not inside:
        return None
    first, last = inside[0], _last_that_fits(words, inside)
    while first > 0 and _end_before(words, first) > words[first].start:
        first -= 1  # times of speech recognition may overlap: no cut within either word
    while last + 1 < len(words) and words[last + 1].start < _end_before(words, last + 1):
        last += 1
    pause_start, speech_start = _end_before(words, first), words[first].start
    speech_end = _end_before(words, last + 1)
    pause_end = words[last + 1].start if last + 1 < len(words) else max(speech_end, duration)
    start = max(pause_start, speech_start - LEAD_IN)
    start = next((at for at in scene_cuts if start < at <= speech_start), start)
    end = min(pause_end, speech_end + LEAD_OUT)
    end = next((at for at in scene_cuts if speech_end <= at < end), end)
    if end - start < SHORTEST:
        return None
    return Cut(start=start, end=end, words=tuple(words[first : last + 1]), highlight=highlight)


def _last_that_fits(words: Sequence[Word], inside: Sequence[int]) -> int:
    latest = words[inside[0]].start + LONGEST - LEAD_IN - LEAD_OUT
    fitting = [number for number in inside if words[number].end <= latest] or [inside[0]]
    if len(fitting) == len(inside):
        return inside[-1]
    sentence_ends = [number for number in fitting if words[number].text.rstrip().endswith((".", "?", "!"))]
    return sentence_ends[-1] if sentence_ends else fitting[-1]


def _end_before(words: Sequence[Word], number: int) -> float:
    """When all words before the one of this number have ended."""
    return max((word.end for word in words[max(0, number - OVERLAPPING) : number]), default=0.0)
