"""Says which words must not be read as fact, and keeps times true."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.outputs import Segment, Word

UNSURE_LOG_PROBABILITY = -1.0  # Whisper's own threshold for a failed decoding
UNSURE_COMPRESSION = 3.5  # text that repeats itself; at Whisper's own 2.4 menus and refrains are doubted too
UNSURE_WORD = 0.5  # measured on 2,871 words of clear prompts: marks 2 % of them, of which a third are wrong
SHORTEST_WORD = 0.05  # seconds
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
    latest = math.floor(1000 * latest + 1e-6) / 1000  # times are rounded to milliseconds, and never up past the end
    pieces = join_pieces(heard.words)
    if not pieces:
        return None
    unsure_segment = (
        heard.log_probability < UNSURE_LOG_PROBABILITY
        or heard.compression > UNSURE_COMPRESSION
        or sum(piece.probability for piece in pieces) / len(pieces) < UNSURE_WORD
    )
    words = [
        Word(
            start=start,
            end=end,
            text=piece.text,
            confidence=round(min(max(piece.probability, 0.0), 1.0), 3),
            unsure=unsure_segment or piece.probability < UNSURE_WORD,
        )
        for piece, (start, end) in zip(pieces, _in_turn(pieces, earliest, latest), strict=True)
    ]
    return Segment(
        start=words[0].start,
        end=words[-1].end,
        text=" ".join(word.text for word in words),
        words=tuple(words),
        unsure=unsure_segment,
    )


def _in_turn(pieces: Sequence[HeardWord], earliest: float, latest: float) -> list[tuple[float, float]]:
    """Their times, none before the end of the one before; a word without length takes some from what is beside it."""
    times: list[tuple[float, float]] = []
    cursor = earliest
    for position, piece in enumerate(pieces):
        start = round(min(max(piece.start, cursor), latest), 3)
        following = pieces[position + 1].start if position + 1 < len(pieces) else latest
        wished = max(piece.end, min(start + SHORTEST_WORD, following))
        end = round(min(max(wished, start), latest), 3)
        if end - start < SHORTEST_WORD and times and times[-1][1] - times[-1][0] >= 2 * SHORTEST_WORD:
            start = min(start, round(end - SHORTEST_WORD, 3))
            times[-1] = (times[-1][0], min(times[-1][1], start))
        times.append((start, end))
        cursor = end
    return times


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
