"""Sentences with their times, made from the words of a transcript."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.outputs import TranscriptOutput, Word

LONGEST_WORDS = 45  # speech without punctuation is cut here at the latest
PAUSE_SECONDS = 1.2  # a silence that ends a sentence also without punctuation
ABBREVIATIONS_TEXT = "mr mrs ms dr prof sr jr st vs etc e.g i.e u.s u.k a.m p.m no inc ltd co corp gen sen rep gov"
ABBREVIATIONS = frozenset(ABBREVIATIONS_TEXT.split())
ENDS = re.compile(r"[.!?…]+[\"'\u201d\u2019)\]]*$")


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """Words of the speaker, unchanged. Times are seconds; unsure says that more than a third of it is."""

    words: tuple[Word, ...]

    @property
    def start(self) -> float:
        return self.words[0].start

    @property
    def end(self) -> float:
        return self.words[-1].end

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def unsure(self) -> bool:
        return 3 * sum(word.unsure for word in self.words) > len(self.words)

    @property
    def complete(self) -> bool:
        """Whether it ends the way a sentence does."""
        return ENDS.search(self.words[-1].text) is not None


def sentences_of(transcript: TranscriptOutput) -> tuple[Sentence, ...]:
    """Every word of the transcript, once and in order, in sentences."""
    words = [word for segment in transcript.segments for word in segment.words]
    sentences: list[Sentence] = []
    current: list[Word] = []
    for position, word in enumerate(words):
        current.append(word)
        following = words[position + 1] if position + 1 < len(words) else None
        if following is None or _ends_here(current, following):
            sentences.append(Sentence(words=tuple(current)))
            current = []
    return tuple(sentences)


def _ends_here(current: list[Word], following: Word) -> bool:
    word = current[-1]
    if following.start - word.end >= PAUSE_SECONDS or len(current) >= LONGEST_WORDS:
        return True
    if not ENDS.search(word.text):
        return False
    bare = word.text.lower().strip("\"'\u201d\u2019)]").rstrip(".")
    is_initial = len(bare) == 1 and bare != "i" and word.text[:1].isupper() and word.text.endswith(".")
    return bare not in ABBREVIATIONS and not is_initial
