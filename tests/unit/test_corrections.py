"""Corrected lines: the words of the text, with the times that they keep or share."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.corrections import carried_over, corrected, corrected_segment
from services.engines.analysis import analyze_transcript
from services.outputs import Segment, TranscriptOutput, Word
from tests.web.made import a_transcript

VOCABULARY = ("we", "ship", "Ship", "ships,", "every", "week.", "—", "clip", "naïve", "12", "a-b", "…", "我们")
texts = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=12)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """Words one after the other, some with pauses and some without length, within a segment; perhaps none at all."""
    heard = draw(st.lists(st.sampled_from(VOCABULARY), max_size=12))
    steps = draw(st.lists(st.floats(0, 2), min_size=2 * len(heard) + 1, max_size=2 * len(heard) + 1))
    moments = list(itertools.accumulate(steps, initial=draw(st.floats(0, 36_000))))
    words = tuple(
        Word(start=moments[2 * at + 1], end=moments[2 * at + 2], text=text, confidence=0.3, unsure=True)
        for at, text in enumerate(heard)
    )
    return Segment(start=moments[0], end=moments[-1], text=" ".join(heard), words=words, unsure=True)


@given(segments(), texts)
def test_the_words_are_the_text_and_their_times_never_run_back(segment: Segment, line: list[str]) -> None:
    made = corrected_segment(segment, " ".join(line))
    assert [word.text for word in made.words] == line
    assert made.text == " ".join(line)
    moments = [moment for word in made.words for moment in (word.start, word.end)]
    assert moments == sorted(moments)
    assert segment.start <= moments[0]
    assert moments[-1] <= segment.end
    assert not any(word.unsure for word in made.words)
    assert not made.unsure


@given(segments())
def test_a_line_that_says_the_same_keeps_every_time(segment: Segment) -> None:
    if not segment.words:
        return
    made = corrected_segment(segment, segment.text)
    assert [(word.start, word.end, word.text) for word in made.words] == [
        (word.start, word.end, word.text) for word in segment.words
    ]


def line(*words: tuple[str, float, float]) -> Segment:
    spoken = tuple(Word(start=start, end=end, text=text, confidence=0.5) for text, start, end in words)
    return Segment(start=words[0][1], end=words[-1][2], text=" ".join(word.text for word in spoken), words=spoken)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We ship, weekly.", [("We", 1.0, 2.0), ("ship,", 2.0, 3.0), ("weekly.", 4.0, 6.0)]),  # one for one
        ("we ship each day", [("we", 1.0, 2.0), ("ship", 2.0, 3.0), ("each", 4.0, 5.143), ("day", 5.143, 6.0)]),
        ("ship everything", [("ship", 2.0, 3.0), ("everything", 4.0, 6.0)]),  # the first is gone
        ("we ship it everything", [("we", 1.0, 2.0), ("ship", 2.0, 3.0), ("it", 3.0, 4.0), ("everything", 4.0, 6.0)]),
        ("so we ship everything", [("so", 1.0, 1.0), ("we", 1.0, 2.0), ("ship", 2.0, 3.0), ("everything", 4.0, 6.0)]),
    ],
)
def test_unchanged_words_keep_their_times_and_changed_ones_share_the_span(
    text: str, expected: list[tuple[str, float, float]]
) -> None:
    made = corrected_segment(line(("we", 1.0, 2.0), ("ship", 2.0, 3.0), ("everything", 4.0, 6.0)), text)
    assert [(word.text, round(word.start, 3), round(word.end, 3)) for word in made.words] == expected


def test_only_the_lines_that_were_edited_change() -> None:
    transcript = a_transcript()
    read = corrected(transcript, {"segment:2": "Our first customer found us by chance.", "post:linkedin": ["x"]})
    assert read.segments[2].text == "Our first customer found us by chance."
    assert [one for number, one in enumerate(read.segments) if number != 2] == [
        one for number, one in enumerate(transcript.segments) if number != 2
    ]
    assert corrected(transcript, {"post:linkedin": ["x"], "thumbnail": 3}) is transcript


def test_an_analysis_speaks_the_corrected_words_and_keeps_the_rest() -> None:
    transcript = a_transcript()
    analysis = analyze_transcript(transcript, engine="local", method="extractive")
    quoted = next(number for number, one in enumerate(transcript.segments) if one.text in analysis.summary)
    before = transcript.segments[quoted].text
    after = before.replace(before.split()[-1], "differently.")
    edits = {f"segment:{number}": after for number, one in enumerate(transcript.segments) if one.text == before}
    carried = carried_over(analysis, transcript, corrected(transcript, edits))
    assert after in carried.summary
    assert before not in carried.summary
    assert [line for line in carried.summary if line != after] == [line for line in analysis.summary if line != before]
    assert carried.chapters == analysis.chapters
    assert carried_over(carried, transcript, corrected(transcript, edits)) == carried


def test_a_transcript_without_lines_stays_empty() -> None:
    empty = TranscriptOutput(language="en", duration=1.0, segments=(), engine="local", model="tiny")
    assert corrected(empty, {}) == empty
