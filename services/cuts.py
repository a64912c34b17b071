"""Where a clip may be cut, and what people may ask of one. Pure functions; times are seconds of the video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field, ValidationError

from services.errors import BadInput
from services.outputs import Clip, ClipsOutput, ProbeOutput, Shape, TranscriptOutput, Word

LONGEST = 60.0  # what YouTube Shorts, Reels and TikTok all take
SHORTEST = 3.0  # less is no passage
LEAD_IN = 0.15  # of the pause before the first word that is kept
LEAD_OUT = 0.35  # of the pause after the last word that is kept
ROUNDING = 0.05  # by which times of a passage may differ from those of its words
MOST_CLIPS = 12  # of one video
LONGEST_TITLE = 100  # characters


class Cut(Shape):
    """A clip as a person wants it; its position is that of the clip it replaces, or the next free one."""

    position: int = Field(ge=0)
    start: float = Field(allow_inf_nan=False)
    end: float = Field(allow_inf_nan=False)
    title: str


class ClipOptions(Shape):
    """What a job of the kind `clips` may be asked for."""

    cuts: tuple[Cut, ...] = Field(default=(), max_length=MOST_CLIPS)


def cuts_of(options: Mapping[str, object]) -> tuple[Cut, ...]:
    """The cuts that a job was asked for; none where it is to choose them itself. Raises BadInput."""
    try:
        return ClipOptions.model_validate(options).cuts
    except ValidationError as error:
        raise BadInput("The clips asked for cannot be read: check position, start, end and title of each.") from error


def checked(
    options: Mapping[str, object], *, probed: ProbeOutput, transcript: TranscriptOutput, clips: ClipsOutput | None
) -> dict[str, object]:
    """The options as they are kept, once every cut in them can be made. Raises BadInput with the reason why not."""
    cuts = cuts_of(options)
    if not cuts:
        raise BadInput("Say which clips are to be rendered.")
    if not probed.has_picture:
        raise BadInput("This file has no picture to make clips of.")
    there = {clip.position: clip for clip in clips.clips} if clips else {}
    _check_positions([cut.position for cut in cuts], there)
    words = words_of(transcript)
    kept = [cut.model_copy(update={"title": _title(cut)}) for cut in cuts]
    for cut in kept:
        _check_times(cut, words, probed.duration)
    if all(_is_same(cut, there.get(cut.position)) for cut in kept):
        raise BadInput("Nothing was changed: move a start or an end, or write another title.")
    return ClipOptions(cuts=tuple(kept)).model_dump(mode="json")


def words_of(transcript: TranscriptOutput) -> tuple[Word, ...]:
    """Every word, in order of time."""
    return tuple(
        sorted((word for segment in transcript.segments for word in segment.words), key=lambda word: word.start)
    )


def words_within(words: Sequence[Word], start: float, end: float) -> tuple[Word, ...]:
    """The words whose middle lies between two times."""
    return tuple(word for word in words if start <= (word.start + word.end) / 2 <= end)


def next_position(positions: Mapping[int, object]) -> int:
    """Where a clip that is added goes."""
    return max(positions, default=-1) + 1


def _check_positions(asked: Sequence[int], there: Mapping[int, Clip]) -> None:
    if len(set(asked)) < len(asked):
        raise BadInput("Each clip can be asked for once.")
    added = sorted(position for position in asked if position not in there)
    first = next_position(there)
    if added != list(range(first, first + len(added))):
        raise BadInput("There is no such clip: load the page again to see those that there are.")
    if len(there) + len(added) > MOST_CLIPS:
        raise BadInput(f"A video can have {MOST_CLIPS} clips: change one of them instead.")


def _check_times(cut: Cut, words: Sequence[Word], duration: float) -> None:
    name = f"Clip {cut.position + 1}"
    if not 0 <= cut.start < cut.end <= duration + ROUNDING:
        raise BadInput(f"{name} does not lie within the video.")
    length = cut.end - cut.start
    if length < SHORTEST:
        raise BadInput(f"{name} would be {length:.1f} seconds long: {SHORTEST:.0f} are the least.")
    if length > LONGEST:
        raise BadInput(f"{name} would be {length:.1f} seconds long: {LONGEST:.0f} are the most.")
    for word in words:
        for edge in (cut.start, cut.end):
            if word.start < edge < word.end:
                raise BadInput(f"{name} would be cut within the word “{word.text.strip()}”: move it to a pause.")
    if not words_within(words, cut.start, cut.end):
        raise BadInput(f"Nothing is said in {name.lower()}.")


def _title(cut: Cut) -> str:
    title = " ".join("".join(each if each.isprintable() else " " for each in cut.title).split())
    if not 1 <= len(title) <= LONGEST_TITLE:
        raise BadInput(f"Give clip {cut.position + 1} a title of 1 to {LONGEST_TITLE} characters.")
    return title


def _is_same(cut: Cut, clip: Clip | None) -> bool:
    return clip is not None and (cut.start, cut.end, cut.title) == (clip.start, clip.end, clip.title)
