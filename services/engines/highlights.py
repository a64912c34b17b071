"""Passages that could stand alone as a clip. The score is a heuristic, and says what it is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.engines.sentences import Sentence
from services.engines.summary import DANGLING, Ranks
from services.engines.wording import as_title
from services.outputs import Factor, Highlight

SHORTEST_SECONDS = 15.0
LONGEST_SECONDS = 60.0
AIM_SECONDS = 30.0
MOST_HIGHLIGHTS = 6
TITLE_CHARACTERS = 70

# What a factor can add to a score of at most 1.
WEIGHTS = {"opening": 0.25, "substance": 0.25, "length": 0.15, "feeling": 0.15, "completeness": 0.1, "clarity": 0.1}
HOOK = re.compile(
    r"\b(why|how|what|secret|mistake|never|always|best|worst|most|first|you|your|imagine)\b", re.IGNORECASE
)
NUMBER = re.compile(r"\d|\b(hundred|thousand|million|billion|percent|dollars?)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Passage:
    """Sentences first to last, both included."""

    first: int
    last: int
    score: float
    factors: tuple[Factor, ...]


def highlights_of(sentences: Sequence[Sentence], ranks: Ranks, moods: Sequence[float]) -> tuple[Highlight, ...]:
    """Passages of 15 to 60 seconds, best first, that do not overlap and start and end with a sentence.

    ranks and moods belong to the sentences. A factor's value is its share of the score: the score is 100 times
    their sum.
    """
    passages = [
        _judge(sentences, ranks, moods, first, last)
        for first in range(len(sentences))
        for last in _lasts(sentences, first)
    ]
    chosen: list[_Passage] = []
    for passage in sorted(passages, key=lambda each: -each.score):
        if all(passage.last < other.first or passage.first > other.last for other in chosen):
            chosen.append(passage)
        if len(chosen) == MOST_HIGHLIGHTS:
            break
    return tuple(_highlight(sentences, passage) for passage in chosen)


def judge(
    sentences: Sequence[Sentence], ranks: Ranks, moods: Sequence[float], *, start: float, end: float
) -> tuple[float, tuple[Factor, ...]] | None:
    """Score and factors of any passage, in seconds, by the same measure; None where it holds no whole word."""
    kept = [_within(sentence, start, end) for sentence in sentences]
    touched = [number for number, sentence in enumerate(kept) if sentence is not None]
    if not touched:
        return None
    trimmed = [inside or sentence for inside, sentence in zip(kept, sentences, strict=True)]
    passage = _judge(trimmed, ranks, moods, touched[0], touched[-1])
    return passage.score, passage.factors


def _within(sentence: Sentence, start: float, end: float) -> Sentence | None:
    """The words of a sentence whose middle lies in a passage; a part of a sentence is not a whole one."""
    words = tuple(word for word in sentence.words if start <= (word.start + word.end) / 2 <= end)
    if len(words) == len(sentence.words):
        return sentence
    return Sentence(words=words, whole=False) if words else None


def _lasts(sentences: Sequence[Sentence], first: int) -> list[int]:
    """The sentences with which a passage that starts with `first` may end."""
    lasts: list[int] = []
    for last in range(first, len(sentences)):
        seconds = sentences[last].end - sentences[first].start
        if seconds > LONGEST_SECONDS:
            break
        if seconds >= SHORTEST_SECONDS:
            lasts.append(last)
    return lasts


def _judge(sentences: Sequence[Sentence], ranks: Ranks, moods: Sequence[float], first: int, last: int) -> _Passage:
    passage = sentences[first : last + 1]
    seconds = passage[-1].end - passage[0].start
    words = sum(len(sentence.words) for sentence in passage)
    sure = sum(not word.unsure for sentence in passage for word in sentence.words)
    strongest = max(moods[first : last + 1], key=abs)
    judged = {
        "opening": _opening(passage[0]),
        "substance": (float(ranks[first : last + 1].mean()), "how central its sentences are to the whole"),
        "length": (
            max(0.0, 1.0 - abs(seconds - AIM_SECONDS) / AIM_SECONDS),
            f"{seconds:.0f} seconds, where {AIM_SECONDS:.0f} is best",
        ),
        "feeling": (abs(strongest), _feeling(strongest)),
        "completeness": _completeness(passage),
        "clarity": (sure / words, f"{round(100 * sure / words)} % of its words were heard clearly"),
    }
    factors = tuple(
        Factor(name=name, value=round(WEIGHTS[name] * value, 4), reason=reason)
        for name, (value, reason) in judged.items()
    )
    return _Passage(first=first, last=last, score=round(100 * sum(f.value for f in factors), 2), factors=factors)


def _opening(sentence: Sentence) -> tuple[float, str]:
    text = sentence.text
    if DANGLING.match(text):
        return 0.1, f"opens with “{sentence.words[0].text}”, which leans on what came before"
    if text.endswith("?"):
        return 1.0, "opens with a question"
    if NUMBER.search(text):
        return 0.9, "opens with a number"
    if HOOK.search(text):
        return 0.8, "opens with a word that draws in"
    return 0.5, "opens plainly"


def _feeling(mood: float) -> str:
    if abs(mood) < 0.05:
        return "its words are neutral"
    return "its strongest sentence is warm" if mood > 0 else "its strongest sentence is grave"


def _completeness(passage: Sequence[Sentence]) -> tuple[float, str]:
    if passage[0].whole and passage[-1].whole:
        return 1.0, "starts and ends with a whole sentence"
    if passage[0].whole or passage[-1].whole:
        return 0.5, "starts or ends within a sentence, where the speaker paused"
    return 0.0, "starts and ends within a sentence, where the speaker paused"


def _highlight(sentences: Sequence[Sentence], passage: _Passage) -> Highlight:
    spoken = sentences[passage.first : passage.last + 1]
    return Highlight(
        start=spoken[0].start,
        end=spoken[-1].end,
        title=as_title(spoken[0].text, TITLE_CHARACTERS),
        text=" ".join(sentence.text for sentence in spoken),
        score=passage.score,
        factors=passage.factors,
    )
