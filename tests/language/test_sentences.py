from __future__ import annotations

import pytest

from services.engines.sentences import LONGEST_WORDS, sentences_of, without_false_stop
from tests.language.material import TALK, said_by, transcript_of


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in sentences_of(transcript_of(text))]


def test_every_word_is_in_one_sentence_and_in_order() -> None:
    transcript = transcript_of(TALK)
    assert " ".join(sentence.text for sentence in sentences_of(transcript)) == said_by(transcript)


def test_sentences_cross_segments() -> None:
    assert texts("We had no\nmoney. We had\ntime.") == ["We had no money.", "We had time."]


def test_what_does_not_end_a_sentence() -> None:
    assert texts("Mr. Smith and J. Doe met at 3.5 percent. Did they? Yes!") == [
        "Mr. Smith and J. Doe met at 3.5 percent.",
        "Did they?",
        "Yes!",
    ]
    assert texts("So do I. Now go.") == ["So do I.", "Now go."]


@pytest.mark.parametrize(
    ("said", "follows", "mended"),
    [
        ("It is the first.", "that counts.", "It is the first"),
        ("It is the first.", "That counts.", "It is the first."),
        ("Is it the first?", "that counts.", "Is it the first?"),
        ("Bread, milk etc.", "are sold.", "Bread, milk etc."),
        ("At 5 p.m.", "we close.", "At 5 p.m."),
    ],
)
def test_a_full_stop_where_hearing_was_cut_is_taken_out(said: str, follows: str, mended: str) -> None:
    before, after = transcript_of(f"{said}\n{follows}").segments
    segment = without_false_stop(before, after)
    assert segment.text == " ".join(word.text for word in segment.words) == mended
    assert [(word.start, word.end) for word in segment.words] == [(word.start, word.end) for word in before.words]


def test_speech_without_punctuation_is_cut_at_a_pause() -> None:
    transcript = transcript_of("word " * 50 + "here, " + "word " * 80)
    pieces = sentences_of(transcript)
    assert len(pieces[0].words) == 51
    assert all(len(piece.words) <= LONGEST_WORDS for piece in pieces)
    assert not any(piece.whole for piece in pieces)


def test_a_piece_after_a_cut_is_not_whole() -> None:
    pieces = sentences_of(transcript_of("word " * 100 + "end. A new sentence starts."))
    assert [piece.whole for piece in pieces][-2:] == [False, True]
