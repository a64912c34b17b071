"""A transcript as SRT, WebVTT, plain text and JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from services.outputs import Segment, TranscriptOutput

LINE = 42  # characters, as subtitle guides have it; a cue has two lines
CUE_CHARACTERS = 2 * LINE
CUE_SECONDS = 7.0


class Cue(NamedTuple):
    """One subtitle; start and end in seconds."""

    start: float
    end: float
    text: str


def srt(transcript: TranscriptOutput) -> str:
    """SubRip: numbered cues, a comma before the milliseconds."""
    return "\n".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n"
        for number, cue in enumerate(_cues(transcript), 1)
    )


def vtt(transcript: TranscriptOutput) -> str:
    """WebVTT, with what would read as markup escaped."""
    cues = (f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_escaped(cue.text)}\n" for cue in _cues(transcript))
    return "\n".join(("WEBVTT\n", *cues))


def text(transcript: TranscriptOutput) -> str:
    """One line for each segment."""
    return "".join(f"{segment.text.strip()}\n" for segment in transcript.segments)


def json(transcript: TranscriptOutput) -> str:
    """The transcript as it was recorded: segments, words, times, confidence."""
    return transcript.model_dump_json()


def _cues(transcript: TranscriptOutput) -> Iterator[Cue]:
    for segment in transcript.segments:
        yield from _cues_of(segment)


def _cues_of(segment: Segment) -> Iterator[Cue]:
    """The segment cut between words into cues that fit two lines and are read in time."""
    if not segment.words:
        yield Cue(segment.start, segment.end, _wrapped(segment.text))
        return
    start, said = segment.words[0].start, ""
    end = start
    for word in segment.words:
        longer = f"{said} {word.text.strip()}".strip()
        if said and (len(longer) > CUE_CHARACTERS or word.end - start > CUE_SECONDS):
            yield Cue(start, end, _wrapped(said))
            start, longer = word.start, word.text.strip()
        said, end = longer, word.end
    yield Cue(start, end, _wrapped(said))


def _wrapped(said: str) -> str:
    """In lines, of which none is empty: an empty line would end the cue."""
    return "\n".join(textwrap.wrap(" ".join(said.split()), LINE))


def _escaped(said: str) -> str:
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(seconds: float, mark: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}{mark}{milliseconds:03}"
