"""Says which words must not be read as fact, and keeps times true."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.outputs import Segment, Word

UNSURE_LOG_PROBABILITY = -1.0  # Whisper's own threshold for a failed decoding
UNSURE_COMPRESSION = 2.4  # Whisper's own threshold for text that repeats itself
UNSURE_WORD = 0.35
REPEATED_WORDS = 3  # a segment of at least so many words that says the same as the one before it is unsure
DOUBTFUL_SHARE = 0.5  # of the spoken time

DOUBTFUL_NOTE = (
    "Most of this transcript is unsure: the speech may not be English, or is hard to hear. "
    "The local engine knows only English. Check it against the sound before you use it."
)


@dataclass(frozen=True, kw_only=True)
class HeardWord:
    """A piece of speech as the model gives it: text with its leading space, seconds, probability 0 to 1."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class HeardSegment:
    words: tuple[HeardWord, ...]
    log_probability: float
    compression: float


def join_pieces(pieces: Iterable[HeardWord]) -> list[HeardWord]:
    """Whole words: a piece without a leading space belongs to the word before it ("cold" + "-hearted")."""
    words: list[HeardWord] = []
    for piece in pieces:
        if not piece.text.strip():
            continue
        if words and not piece.text[0].isspace():
            before = words[-1]
            words[-1] = replace(
                before,
                end=max(before.end, piece.end),
                text=before.text + piece.text.strip(),
                probability=min(before.probability, piece.probability),
            )
        else:
            words.append(replace(piece, text=piece.text.strip()))
    return words


def settle(heard: HeardSegment, *, earliest: float, latest: float) -> Segment | None:
    """A segment whose words follow one another between earliest and latest; None when nothing was said."""
    words: list[Word] = []
    cursor = earliest
    unsure_segment = heard.log_probability < UNSURE_LOG_PROBABILITY or heard.compression > UNSURE_COMPRESSION
    for piece in join_pieces(heard.words):
        start = min(max(piece.start, cursor), latest)
        end = min(max(piece.end, start), latest)
        cursor = end
        probability = min(max(piece.probability, 0.0), 1.0)
        words.append(
            Word(
                start=round(start, 3),
                end=round(end, 3),
                text=piece.text,
                confidence=round(probability, 3),
                unsure=unsure_segment or probability < UNSURE_WORD,
            )
        )
    if not words:
        return None
    return Segment(
        start=words[0].start,
        end=words[-1].end,
        text=" ".join(word.text for word in words),
        words=tuple(words),
        unsure=unsure_segment,
    )


def mark_repetitions(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The same segments, with those unsure that say again what the one before them said."""
    marked: list[Segment] = []
    before = ""
    for segment in segments:
        said = re.sub(r"[^\w ]", "", segment.text.lower())
        repeated = said == before and len(said.split()) >= REPEATED_WORDS
        marked.append(_unsure(segment) if repeated else segment)
        before = said
    return tuple(marked)


def doubt(segments: Sequence[Segment]) -> str | None:
    """The note for a transcript of which at least half of the spoken time is unsure."""
    spoken = sum(segment.end - segment.start for segment in segments)
    unsure = sum(segment.end - segment.start for segment in segments if segment.unsure)
    return DOUBTFUL_NOTE if spoken > 0 and unsure / spoken >= DOUBTFUL_SHARE else None


def _unsure(segment: Segment) -> Segment:
    words = tuple(word.model_copy(update={"unsure": True}) for word in segment.words)
    return segment.model_copy(update={"unsure": True, "words": words})
