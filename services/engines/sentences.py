"""Sentences with their times, made from the words of a transcript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from services.outputs import Segment, TranscriptOutput, Word

LONGEST_WORDS = 80  # speech without punctuation is cut at its best pause before so many words
FEWEST_WORDS = 15  # before such a cut
PAUSE_SECONDS = 1.6  # a silence that ends a sentence also without punctuation
ABBREVIATIONS_TEXT = "mr mrs ms dr prof sr jr st vs etc e.g i.e u.s u.k a.m p.m no inc ltd co corp gen sen rep gov"
ABBREVIATIONS = frozenset(ABBREVIATIONS_TEXT.split())
ENDS = re.compile(r"[.!?…]+[\"'\u201d\u2019)\]]*$")


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """Words of the speaker, unchanged. Times are seconds.

    whole says that it begins and ends where a sentence does; without it, it is a piece of a longer one.
    """

    words: tuple[Word, ...]
    whole: bool

    @property
    def start(self) -> float:
        return self.words[0].start

    @property
    def end(self) -> float:
        return self.words[-1].end

    @cached_property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @cached_property
    def unsure(self) -> bool:
        """Whether more than a third of its words are."""
        return 3 * sum(word.unsure for word in self.words) > len(self.words)


def sentences_of(transcript: TranscriptOutput) -> tuple[Sentence, ...]:
    """Every word of the transcript, once and in order, in sentences."""
    sentences: list[Sentence] = []
    begins_whole = True
    for words in _pieces([word for segment in transcript.segments for word in segment.words]):
        ends_whole = ENDS.search(words[-1].text) is not None
        sentences.append(Sentence(words=tuple(words), whole=begins_whole and ends_whole))
        begins_whole = ends_whole
    return tuple(sentences)


def _pieces(words: list[Word]) -> Iterator[list[Word]]:
    current: list[Word] = []
    for word in words:
        if current and word.start - current[-1].end >= PAUSE_SECONDS:
            yield current
            current = []
        current.append(word)
        if _ends_sentence(word):
            yield current
            current = []
        elif len(current) >= LONGEST_WORDS:
            cut = _best_pause(current)
            yield current[:cut]
            current = current[cut:]
    if current:
        yield current


def _best_pause(words: list[Word]) -> int:
    """How many words come before the longest pause; a comma counts as half a second. Of equal ones the last."""

    def length(count: int) -> tuple[float, int]:
        comma = 0.5 if words[count - 1].text.endswith((",", ";", ":")) else 0.0
        return (round(words[count].start - words[count - 1].end + comma, 2), count)

    return max(range(FEWEST_WORDS, len(words) - FEWEST_WORDS), key=length)


def without_false_stop(segment: Segment, following: Segment) -> Segment:
    """The segment without the full stop that the model sets where its hearing is cut, if the sentence goes on."""
    last = segment.words[-1]
    if not (last.text.endswith(".") and _goes_on(last, following.words[0])) or "." in last.text.rstrip("."):
        return segment
    words = (*segment.words[:-1], last.model_copy(update={"text": last.text.rstrip(".")}))
    return segment.model_copy(update={"words": words, "text": " ".join(word.text for word in words)})


def _goes_on(word: Word, following: Word) -> bool:
    return following.text[:1].islower() and word.text.lower().rstrip(".") not in ABBREVIATIONS


def _ends_sentence(word: Word) -> bool:
    if not ENDS.search(word.text):
        return False
    bare = word.text.lower().strip("\"'\u201d\u2019)]").rstrip(".")
    is_initial = len(bare) == 1 and bare != "i" and word.text[:1].isupper() and word.text.endswith(".")
    return bare not in ABBREVIATIONS and not is_initial
