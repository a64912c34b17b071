from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.engines.confidence import (
    DOUBTFUL_NOTE,
    HeardSegment,
    HeardWord,
    doubt,
    join_pieces,
    mark_repetitions,
    settle,
)
from services.outputs import Segment
from tests.language.material import transcript_of


def heard(
    *words: tuple[float, float, str, float], log_probability: float = -0.3, compression: float = 1.5
) -> HeardSegment:
    pieces = tuple(
        HeardWord(start=start, end=end, text=text, probability=probability) for start, end, text, probability in words
    )
    return HeardSegment(words=pieces, log_probability=log_probability, compression=compression)


@given(
    times=st.lists(st.tuples(st.floats(-5, 120), st.floats(-5, 120)), min_size=1, max_size=30),
    earliest=st.floats(0, 50),
    length=st.floats(0, 60),
)
def test_times_are_never_wrong(times: list[tuple[float, float]], earliest: float, length: float) -> None:
    earliest = round(earliest, 3)
    latest = earliest + length
    segment = settle(
        heard(*((start, end, f" w{position}", 0.9) for position, (start, end) in enumerate(times))),
        earliest=earliest,
        latest=latest,
    )
    assert segment is not None
    assert [word.text for word in segment.words] == [f"w{position}" for position in range(len(times))]
    bounds = [time for word in segment.words for time in (word.start, word.end)]
    assert bounds == sorted(bounds)
    assert earliest <= segment.start == bounds[0]
    assert bounds[-1] == segment.end <= latest


def test_a_word_without_length_gets_some() -> None:
    segment = settle(
        heard((1.0, 1.4, " two", 0.9), (1.4, 1.4, " words", 0.9), (1.4, 2.0, " met", 0.9)), earliest=0, latest=9
    )
    assert segment is not None
    assert [(word.start, word.end) for word in segment.words] == [(1.0, 1.35), (1.35, 1.4), (1.4, 2.0)]


def test_pieces_without_a_space_belong_to_the_word_before() -> None:
    words = join_pieces(heard((0, 0.3, " cold", 0.9), (0.3, 0.6, "-hearted", 0.4), (0.6, 0.8, " man.", 0.8)).words)
    assert [(word.text, word.start, word.end, word.probability) for word in words] == [
        ("cold-hearted", 0, 0.6, 0.4),
        ("man.", 0.6, 0.8, 0.8),
    ]


def test_what_is_unsure() -> None:
    clear = settle(heard((0, 1, " clear", 0.9), (1, 2, " mumbled", 0.3)), earliest=0, latest=9)
    guessed = settle(heard((0, 1, " guessed", 0.9), log_probability=-1.2), earliest=0, latest=9)
    looped = settle(heard((0, 1, " looped", 0.9), compression=6.0), earliest=0, latest=9)
    weak = settle(heard((0, 1, " weak", 0.4), (1, 2, " words", 0.5)), earliest=0, latest=9)
    assert clear is not None and guessed is not None and looped is not None and weak is not None  # noqa: PT018
    assert [word.unsure for word in clear.words] == [False, True]
    assert [segment.unsure for segment in (clear, guessed, looped, weak)] == [False, True, True, True]
    assert all(word.unsure for segment in (guessed, looped, weak) for word in segment.words)


def test_nothing_said_is_no_segment() -> None:
    assert settle(heard((0, 1, "  ", 0.9)), earliest=0, latest=9) is None


def test_what_repeats_the_segment_before_it_is_unsure() -> None:
    segments = transcript_of("We will see.\nwe will see\nWe will see!\nThank you.\nThank you.").segments
    assert [segment.unsure for segment in mark_repetitions(segments)] == [False, True, True, False, False]
    assert all(word.unsure for word in mark_repetitions(segments)[1].words)


def test_doubt_needs_half_of_the_spoken_time() -> None:
    def spoken(seconds: float, unsure: bool) -> Segment:
        return Segment(start=0, end=seconds, text="", words=(), unsure=unsure)

    assert doubt([spoken(10, True), spoken(10, False)]) == DOUBTFUL_NOTE
    assert doubt([spoken(9, True), spoken(10, False)]) is None
    assert doubt([]) is None
