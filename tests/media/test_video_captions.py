"""Captions: pages of words in time, and text that can give libass no orders."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.media import captions as module
from services.media.captions import captions, readable
from services.outputs import Word
from tests.media.video_sources import words

OWN_CODES = {module.HIGHLIGHT, module.UNSURE, module.PLAIN, module.HIGHLIGHT + module.UNSURE}


def events(text: str) -> list[tuple[str, str, str]]:
    lines = [line for line in text.splitlines() if line.startswith("Dialogue:")]
    return [(fields[1], fields[2], fields[4]) for fields in (line.split(",", 4) for line in lines)]


def said(event: str) -> str:
    for code in sorted(OWN_CODES, key=len, reverse=True):
        event = event.replace(code, "")
    return event


def test_each_word_is_highlighted_while_it_is_said() -> None:
    spoken = words("The first hundred users matter", start=10.0)
    shown = events(captions(spoken, start=10.0, width=1080, height=1920))
    assert [said(text) for _, _, text in shown] == ["The first hundred users matter"] * 5
    assert shown[0] == ("0:00:00.00", "0:00:00.50", r"{\1c&H00D7FF&}The{\r} first hundred users matter")
    assert shown[4][:2] == ("0:00:02.00", "0:00:02.70")


def test_pages_follow_each_other_without_overlap() -> None:
    shown = events(captions(words("word " * 60), start=1.0, width=720, height=1280))
    assert len(shown) == 60
    assert all(len(said(text)) <= module.CHARACTERS_A_PAGE for _, _, text in shown)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(shown))


def test_a_sentence_and_a_pause_begin_a_new_page() -> None:
    spoken = (*words("It works. Really", start=0.0), *words("well", start=5.0))
    assert [said(text) for _, _, text in events(captions(spoken, start=0, width=720, height=1280))] == [
        "It works.",
        "It works.",
        "Really",
        "well",
    ]


def test_unsure_words_are_slanted() -> None:
    unsure = Word(start=0.0, end=0.5, text="perhaps", confidence=0.2, unsure=True)
    ((_, _, text),) = events(captions([unsure], start=0.0, width=720, height=1280))
    assert module.UNSURE in text


def test_override_codes_in_a_transcript_do_nothing() -> None:
    hostile = r"{\p1}m{\pos(0,0)}\N\h{\fs400}"
    ((_, _, text),) = events(captions(words(hostile), start=1.0, width=720, height=1280))
    assert not set(said(text)) & set("{}\\")


@given(st.lists(st.text(), max_size=8))
def test_no_text_breaks_out_of_its_line(texts: list[str]) -> None:
    spoken = [
        Word(start=number, end=number + 0.5, text=text, confidence=1.0, unsure=number % 2 == 0)
        for number, text in enumerate(texts)
    ]
    header, _, body = captions(spoken, start=0.0, width=720, height=1280).partition("Format: Layer")
    assert header == captions([], start=0.0, width=720, height=1280).partition("Format: Layer")[0]
    for line in body.split("\n")[1:-1]:
        assert re.fullmatch(r"Dialogue: 0,\d:\d\d:\d\d\.\d\d,\d:\d\d:\d\d\.\d\d,Caption,.*", line)
        assert not set(said(line)) & set("{}\\")
    assert len(body.splitlines()) == len(body.split("\n")) - 1


@given(st.text())
def test_readable_is_short_and_stays_as_it_is(text: str) -> None:
    assert len(readable(text)) <= module.LONGEST_WORD
    assert readable(readable(text)) == readable(text)
    assert not any(unicodedata.category(mark) in ("Cc", "Cs") for mark in readable(text))
