"""What somebody types into the search box becomes words: never an error, never an operator."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.library import Place, Sort
from services.search import LONGEST, MOST_WORDS, Terms, joined, marks, parse, words_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", Terms()),
        ("a", Terms()),
        ("日", Terms(words=("日",))),
        ("qu", Terms(words=("qu",))),
        ("Quiet morning", Terms(words=("quiet", "morning"), part="Quiet morning")),
        ("quiet quiet", Terms(words=("quiet",), part="quiet quiet")),
        ('"quiet morning" walk', Terms(words=("walk",), phrases=(("quiet", "morning"),))),
        ('"quiet morning', Terms(phrases=(("quiet", "morning"),))),
        ("„quiet morning“", Terms(phrases=(("quiet", "morning"),))),
        ('"quiet"', Terms(words=("quiet",))),
        ("quiet -walk", Terms(words=("quiet",), without=("walk",))),
        ('-"long walk"', Terms(without=("long", "walk"))),
        ("EP042-final_cut", Terms(words=("ep042", "final", "cut"), part="EP042-final_cut")),
        ("don't", Terms(words=("don", "t"), part="don't")),
        ("'); drop table videos; --", Terms(words=("drop", "table", "videos"), part="'); drop table videos; --")),
    ],
)
def test_words_phrases_and_what_is_left_out(text: str, terms: Terms) -> None:
    assert parse(text) == terms


@given(st.text(max_size=2 * LONGEST))
def test_whatever_is_typed_gives_words_without_any_mark(text: str) -> None:
    terms = parse(text)
    words = [*terms.words, *terms.without, *(word for phrase in terms.phrases for word in phrase)]
    for word in words:
        assert word
        assert not set(word) & set("'\"\\&|!<>():*-, \t\n\x00%_")
        assert word.isprintable()
        assert not any("\ud800" <= letter <= "\udfff" for letter in word)
    assert len(terms.words) <= MOST_WORDS
    assert terms.part is None or terms.part.isprintable()


@given(st.text(max_size=80), st.text(max_size=40))
@example("¹\U0002fa1e", "¹")  # a letter that nobody has assigned makes no word
def test_marks_lie_in_the_text_and_apart(text: str, typed: str) -> None:
    before = 0
    for start, end in marks(text, parse(typed), {}):
        assert before <= start < end <= len(text)
        assert words_of(text[start:end])
        before = end


def test_a_word_is_marked_where_it_begins_a_word_or_its_stem_does() -> None:
    text = "Studying a study; the studies. Understudy!"
    found = marks(text, parse("studies"), {"studies": "studi"})
    assert [text[start:end] for start, end in found] == ["study", "studies"]
    assert [text[start:end] for start, end in marks(text, parse("stud"), {})] == ["Studying", "study", "studies"]


def test_a_phrase_is_marked_as_one() -> None:
    text = "Quiet; the quiet — morning walk"
    found = marks(text, parse('"quiet morning"'), {})
    assert [text[start:end] for start, end in found] == ["quiet — morning"]


def test_spans_that_overlap_are_one() -> None:
    assert joined([(0, 4), (2, 6), (6, 7)]) == ((0, 6), (6, 7))


@given(st.text(max_size=60), st.sampled_from(Sort))
def test_an_address_that_somebody_changed_leads_to_the_first_page(text: str, sort: Sort) -> None:
    assert Place.read(text, sort) is None
