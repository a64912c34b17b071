from __future__ import annotations

from services.engines.sentences import LONGEST_WORDS, sentences_of
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
    assert texts("It is the first. that counts. So do I. Now go.") == [
        "It is the first. that counts.",
        "So do I.",
        "Now go.",
    ]


def test_speech_without_punctuation_is_cut_at_a_pause() -> None:
    transcript = transcript_of("word " * 50 + "here, " + "word " * 80)
    pieces = sentences_of(transcript)
    assert len(pieces[0].words) == 51
    assert all(len(piece.words) <= LONGEST_WORDS for piece in pieces)
    assert not any(piece.whole for piece in pieces)


def test_a_piece_after_a_cut_is_not_whole() -> None:
    pieces = sentences_of(transcript_of("word " * 100 + "end. A new sentence starts."))
    assert [piece.whole for piece in pieces][-2:] == [False, True]
