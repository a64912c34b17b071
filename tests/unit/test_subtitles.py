"""Transcripts as files that players read."""

from __future__ import annotations

from services import subtitles
from services.outputs import Segment, TranscriptOutput, Word


def transcript(*said: str) -> TranscriptOutput:
    """Each sentence lasts 10 s from minute 60 on, its words evenly spread."""
    segments = []
    for number, sentence in enumerate(said):
        start, words = 3599.5 + number * 10, sentence.split()
        step = 10 / len(words)
        segments.append(
            Segment(
                start=start,
                end=start + 10,
                text=sentence,
                words=tuple(
                    Word(start=start + i * step, end=start + (i + 1) * step, text=word, confidence=1.0)
                    for i, word in enumerate(words)
                ),
            )
        )
    return TranscriptOutput(language="en", duration=3700, segments=tuple(segments), engine="local", model="tiny")


def test_srt_numbers_its_cues_and_keeps_them_short() -> None:
    text = subtitles.srt(transcript(" ".join(["something"] * 30), "Short."))
    blocks = text.strip().split("\n\n")
    assert [block.split("\n")[0] for block in blocks] == [str(number) for number in range(1, len(blocks) + 1)]
    assert len(blocks) >= 5
    assert blocks[0].split("\n")[1].startswith("00:59:59,500 --> 01:00:0")
    for block in blocks:
        lines = block.split("\n")[2:]
        assert 1 <= len(lines) <= 3
        assert all(0 < len(line) <= subtitles.LINE for line in lines)
    assert text.count("something") == 30


def test_vtt_escapes_what_would_be_markup() -> None:
    text = subtitles.vtt(transcript("a <b>bold</b> --> claim & more"))
    assert text.startswith("WEBVTT\n\n00:59:59.500 --> ")
    assert "&lt;b&gt;bold&lt;/b&gt; --&gt; claim" in text
    assert "&amp; more" in text
    assert text.count("-->") == text.count("\n\n")


def test_text_and_json_are_whole() -> None:
    spoken = transcript("One.", "Two.")
    assert subtitles.text(spoken) == "One.\nTwo.\n"
    assert TranscriptOutput.model_validate_json(subtitles.json(spoken)) == spoken
