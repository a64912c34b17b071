"""Where a talk turns to something else: TextTiling (Hearst 1997) over sentences, helped by cue phrases."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.engines.sentences import Sentence
from services.engines.summary import Ranks, stands_alone
from services.engines.vocabulary import weigh
from services.engines.wording import as_title
from services.outputs import Chapter

BLOCK_SENTENCES = 4  # compared on each side of a gap
SHORTEST_SECONDS = 15.0
LONGEST_SHORTEST_SECONDS = 120.0
MOST_CHAPTERS = 12
PAUSE_SECONDS = 1.5
CUE_BONUS = 0.5
PAUSE_BONUS = 0.2
TITLE_CHARACTERS = 60
CUES = re.compile(
    r"^(ok(ay)?,? |so,? |and |now,? |well,? |alright,? )*"
    r"(first(ly)?\b|second(ly)?\b|third(ly)?\b|next\b|finally\b|lastly\b|moving on|let's (talk|move|look|turn|start)|"
    r"another (thing|point|question|reason|topic)|the (next|second|third|last|final) (thing|point|part|step|question)|"
    r"in (conclusion|summary)|to (sum up|conclude|summarize)|chapter\b|part (one|two|three|four|five|\d)|"
    r"step (one|two|three|four|five|\d)|number (one|two|three|four|five|\d)|my (next|last|second|third) (point|topic))",
    re.IGNORECASE,
)


def chapters_of(sentences: Sequence[Sentence], ranks: Ranks, *, duration: float) -> tuple[Chapter, ...]:
    """Chapters that cover 0 to duration without a gap; each but the first starts where a sentence starts."""
    if not sentences:
        return ()
    first_sentences = [0, *_boundaries(sentences, duration=duration)]
    chapters: list[Chapter] = []
    for position, first in enumerate(first_sentences):
        is_last = position + 1 == len(first_sentences)
        following = len(sentences) if is_last else first_sentences[position + 1]
        chapters.append(
            Chapter(
                start=0.0 if position == 0 else sentences[first].start,
                end=max(duration, sentences[-1].end) if is_last else sentences[following].start,
                title=_title(sentences[first:following], ranks[first:following]),
            )
        )
    return tuple(chapters)


def _boundaries(sentences: Sequence[Sentence], *, duration: float) -> list[int]:
    """The sentences, after the first, with which a chapter starts."""
    depths = _depths(sentences)
    if not len(depths):
        return []
    threshold = float(depths.mean() + depths.std() / 2)
    shortest = min(max(duration / MOST_CHAPTERS, SHORTEST_SECONDS), LONGEST_SHORTEST_SECONDS)
    chosen: list[int] = []
    for gap in np.argsort(-depths, kind="stable"):
        first = int(gap) + 1
        edges = [0.0, duration, *(sentences[position].start for position in chosen)]
        is_far = all(abs(sentences[first].start - edge) >= shortest for edge in edges)
        if depths[gap] > max(threshold, 0.05) and is_far and len(chosen) < MOST_CHAPTERS - 1:
            chosen.append(first)
    return sorted(chosen)


def _depths(sentences: Sequence[Sentence]) -> NDArray[np.float64]:
    """How deep the likeness of both sides falls at each gap, with bonuses, shape (sentences - 1,)."""
    vectors = weigh([sentence.text for sentence in sentences]).astype(np.float64)
    totals = np.vstack((np.zeros(vectors.shape[1]), np.cumsum(vectors, axis=0)))
    gaps = np.arange(1, len(sentences))
    left = totals[gaps] - totals[np.maximum(gaps - BLOCK_SENTENCES, 0)]
    right = totals[np.minimum(gaps + BLOCK_SENTENCES, len(sentences))] - totals[gaps]
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    likeness = (left * right).sum(axis=1) / np.maximum(norms, 1e-9)
    depths = np.array([_peak(likeness[: gap + 1][::-1]) + _peak(likeness[gap:]) for gap in range(len(likeness))])
    depths -= 2 * likeness
    for gap, sentence in enumerate(sentences[1:]):
        if CUES.match(sentence.text):
            depths[gap] += CUE_BONUS
        if sentence.start - sentences[gap].end >= PAUSE_SECONDS:
            depths[gap] += PAUSE_BONUS
    return depths


def _peak(likeness: NDArray[np.float64]) -> float:
    """The value reached by climbing away from the first one."""
    highest = float(likeness[0])
    for value in likeness[1:]:
        if value < highest:
            break
        highest = float(value)
    return highest


def _title(sentences: Sequence[Sentence], ranks: Ranks) -> str:
    """The most telling sentence of a chapter, to size."""

    def worth(position: int) -> tuple[bool, bool, float]:
        sentence = sentences[position]
        return (stands_alone(sentence), len(sentence.text) <= TITLE_CHARACTERS, float(ranks[position]))

    return as_title(sentences[max(range(len(sentences)), key=worth)].text, TITLE_CHARACTERS)
