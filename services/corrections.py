"""Outputs with what people corrected of the transcript in them. Pure functions: what was recorded stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from services.engines.sentences import sentences_of
from services.outputs import AnalysisOutput, Segment, TranscriptOutput, Word

SEGMENT = "segment:"  # how the target of a corrected line begins; its number follows


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What a person changed a line of a transcript from."""

    original: str
    editor: str
    at: datetime


def corrected(transcript: TranscriptOutput, edits: Mapping[str, object]) -> TranscriptOutput:
    """The transcript with the corrected lines among the edits, which are by target.

    In such a line unchanged words keep their times, changed ones share the span of what they replace, and every word
    counts as sure: somebody has read it.
    """
    lines = {
        int(target.removeprefix(SEGMENT)): value
        for target, value in edits.items()
        if target.startswith(SEGMENT) and isinstance(value, str)
    }
    if not lines:
        return transcript
    segments = tuple(
        corrected_segment(segment, lines[number]) if number in lines else segment
        for number, segment in enumerate(transcript.segments)
    )
    return transcript.model_copy(update={"segments": segments})


def corrected_segment(segment: Segment, line: str) -> Segment:
    """One line of the transcript, reading as a person wrote it."""
    texts = line.split()
    words = tuple(_aligned(segment, texts))
    return segment.model_copy(update={"text": " ".join(texts), "words": words, "unsure": False})


def carried_over(analysis: AnalysisOutput, recorded: TranscriptOutput, transcript: TranscriptOutput) -> AnalysisOutput:
    """The analysis of the recorded transcript with its sentences as the corrected transcript has them.

    Titles and keywords stay: they are not sentences of the speaker.
    """
    before, after = _words(recorded), _words(transcript)
    spans: dict[str, tuple[float, float]] = {}
    for sentence in sentences_of(recorded):
        spans.setdefault(sentence.text, (sentence.start, sentence.end))

    def now(text: str, start: float, end: float) -> str:
        spoken = _said(before, start, end)
        return _said(after, start, end) if text == spoken else text

    return analysis.model_copy(
        update={
            "summary": tuple(now(text, *spans[text]) if text in spans else text for text in analysis.summary),
            "quotes": tuple(
                quote.model_copy(update={"text": now(quote.text, quote.start, quote.end)}) for quote in analysis.quotes
            ),
            "highlights": tuple(
                highlight.model_copy(update={"text": now(highlight.text, highlight.start, highlight.end)})
                for highlight in analysis.highlights
            ),
        }
    )


def _aligned(segment: Segment, texts: Sequence[str]) -> Iterator[Word]:
    """The texts as words with times, in order, within the segment."""
    old = segment.words
    matcher = SequenceMatcher(None, [_bare(word.text) for word in old], [_bare(text) for text in texts], autojunk=False)
    reached = segment.start
    for kind, first, end, new_first, new_end in matcher.get_opcodes():
        if kind == "equal":
            for word, text in zip(old[first:end], texts[new_first:new_end], strict=True):
                start = min(max(word.start, reached), segment.end)
                reached = min(max(word.end, start), segment.end)
                yield word.model_copy(update={"text": text, "start": start, "end": reached, "unsure": False})
            continue
        if new_first == new_end:
            continue
        # Words put in where nothing was heard lie in the pause there.
        start = old[first].start if first < end else old[first - 1].end if first else segment.start
        stop = old[end - 1].end if first < end else old[first].start if first < len(old) else segment.end
        start = min(max(start, reached), segment.end)
        reached = min(max(stop, start), segment.end)
        yield from _shared(texts[new_first:new_end], start, reached)


def _shared(texts: Sequence[str], start: float, end: float) -> Iterator[Word]:
    """Words that share a span by their lengths."""
    total, done = sum(map(len, texts)), 0
    begins = start
    for text in texts:
        done += len(text)
        ends = end if done == total else min(max(start + (end - start) * done / total, begins), end)
        yield Word(start=begins, end=ends, text=text, confidence=1.0)
        begins = ends


def _bare(text: str) -> str:
    """A word without its case and its punctuation; what is nothing but marks stays."""
    return "".join(character for character in text.casefold() if character.isalnum()) or text


def _words(transcript: TranscriptOutput) -> list[Word]:
    return [word for segment in transcript.segments for word in segment.words]


def _said(words: Sequence[Word], start: float, end: float) -> str:
    """The words whose middle lies in the span."""
    return " ".join(word.text for word in words if start <= (word.start + word.end) / 2 <= end)
