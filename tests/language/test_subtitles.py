from __future__ import annotations

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outputs import Segment, TranscriptOutput, Word
from services.subtitles import LINE_CHARACTERS, LONGEST_CUE, cues_of, to_json, to_srt, to_text, to_vtt
from tests.language.material import TALK, said_by, transcript_of

TIMES = re.compile(r"(\d\d):(\d\d):(\d\d)[.,](\d\d\d) --> (\d\d):(\d\d):(\d\d)[.,](\d\d\d)")


def parsed(text: str) -> list[tuple[float, float, str]]:
    """Start, end and text of each cue, read as a player reads them: blocks between blank lines."""
    cues: list[tuple[float, float, str]] = []
    for block in text.strip().split("\n\n"):
        lines = block.strip().split("\n")
        position = next((number for number, line in enumerate(lines) if "-->" in line), None)
        if position is None:
            continue
        match = TIMES.fullmatch(lines[position])
        assert match is not None
        hours, minutes, seconds, thousandths, *rest = map(int, match.groups())
        start = 3600 * hours + 60 * minutes + seconds + thousandths / 1000
        end = 3600 * rest[0] + 60 * rest[1] + rest[2] + rest[3] / 1000
        cues.append((start, end, "\n".join(lines[position + 1 :])))
    return cues


@pytest.mark.parametrize("write", [to_srt, to_vtt])
def test_what_is_written_can_be_read_back(write) -> None:  # type: ignore[no-untyped-def]
    transcript = transcript_of(TALK)
    cues = parsed(write(transcript))
    assert [(start, end) for start, end, _ in cues] == [
        (pytest.approx(cue.start, abs=0.001), pytest.approx(cue.end, abs=0.001)) for cue in cues_of(transcript)
    ]
    assert " ".join(html.unescape(text).replace("\n", " ") for _, _, text in cues) == said_by(transcript)


def test_srt_is_numbered_and_vtt_is_headed() -> None:
    transcript = transcript_of("Hello there.")
    assert to_srt(transcript) == "1\n00:00:00,000 --> 00:00:00,800\nHello there.\n"
    assert to_vtt(transcript) == "WEBVTT\n\n00:00:00.000 --> 00:00:00.800\nHello there.\n"


def test_cues_are_comfortable() -> None:
    cues = cues_of(transcript_of(TALK))
    assert all(len(line) <= LINE_CHARACTERS for cue in cues for line in cue.lines)
    assert all(len(cue.lines) <= 2 for cue in cues)
    clauses = sum(cue.lines[-1].endswith((".", ",", "?", "!")) for cue in cues)
    assert clauses / len(cues) > 0.6


def test_slow_words_are_on_the_screen_while_they_are_said() -> None:
    transcript = transcript_of("One word and then again one more word, and so on, to the very end.", word_seconds=1.9)
    cues = cues_of(transcript)
    for segment in transcript.segments:
        for word in segment.words:
            shown = [cue for cue in cues if cue.start <= word.start and word.end <= cue.end + 0.001]
            assert [cue for cue in shown if word.text in " ".join(cue.lines)]


words = st.lists(
    st.tuples(st.floats(0, 3), st.floats(0, 12), st.text(min_size=1, max_size=60).filter(str.strip)), max_size=25
)


@given(said=words)
def test_any_words_make_sound_subtitles(said: list[tuple[float, float, str]]) -> None:
    time = 0.0
    spoken: list[Word] = []
    for gap, length, text in said:
        start = round(time + gap, 3)
        time = round(start + length, 3)
        spoken.append(Word(start=start, end=time, text=text, confidence=1.0))
    segment = Segment(start=0, end=time, text="", words=tuple(spoken))
    transcript = TranscriptOutput(language="en", duration=time, segments=(segment,), engine="e", model="m")
    cues = cues_of(transcript)
    edges = [edge for cue in cues for edge in (cue.start, cue.end)]
    assert edges == sorted(edges)
    assert not edges or edges[-1] <= time
    assert all(cue.end - cue.start <= LONGEST_CUE + 0.001 for cue in cues)
    assert len(parsed(to_vtt(transcript))) == len(parsed(to_srt(transcript))) == len(cues)


def test_hostile_text_stays_text() -> None:
    transcript = transcript_of("<script>alert(1)</script> --> 00:00:00.000 &amp; NOTE x\u2028y WEBVTT \x00\u202e")
    vtt = to_vtt(transcript)
    assert "<" not in vtt
    assert vtt.count("-->") == len(cues_of(transcript))
    assert "&lt;script&gt;" in vtt
    assert not re.search("[\x00\u2028\u202e]", vtt + to_srt(transcript))
    assert to_srt(transcript).count("-->") == len(cues_of(transcript))


def test_no_speech() -> None:
    nothing = TranscriptOutput(language="en", duration=9, segments=(), engine="e", model="m")
    assert (to_srt(nothing), to_vtt(nothing), to_text(nothing)) == ("", "WEBVTT\n", "")


def test_text_has_a_paragraph_after_a_long_pause() -> None:
    transcript = transcript_of("One.\nTwo.\nThree.", pause_seconds=0.2)
    last = transcript.segments[-1].model_copy(update={"start": 30.0, "end": 31.0})
    assert (
        to_text(transcript.model_copy(update={"segments": (*transcript.segments[:2], last)})) == "One. Two.\n\nThree.\n"
    )


def test_json_is_what_was_recorded() -> None:
    transcript = transcript_of("“Déjà vu” <b>\\n")
    assert TranscriptOutput.model_validate_json(to_json(transcript)) == transcript
    assert json.loads(to_json(transcript))["segments"][0]["words"][0]["text"] == "“Déjà"
