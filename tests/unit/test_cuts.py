"""What people may ask of a clip: between words, within the video, neither too short nor too long."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import cuts
from services.errors import BadInput
from services.outputs import Clip, ClipsOutput, ProbeOutput, Segment, TranscriptOutput, Word

DURATION = 120.0
PROBED = ProbeOutput(container="mp4", duration=DURATION, size_bytes=1, has_picture=True, has_sound=True)
# A word every second, each 0.6 seconds long: 1.0 to 1.6, 2.0 to 2.6 and so on.
WORDS = tuple(Word(start=n, end=n + 0.6, text=f"word{n}", confidence=0.9) for n in range(1, 118))
THERE = tuple(
    Clip(position=n, start=10.0 * n + 0.8, end=10.0 * n + 6.8, title=f"Clip {n}", text="", score=50.0, factors=())
    for n in range(3)
)


def transcript(words: tuple[Word, ...] = WORDS) -> TranscriptOutput:
    segment = Segment(start=0, end=DURATION, text="", words=words)
    return TranscriptOutput(language="en", duration=DURATION, segments=(segment,), engine="e", model="m")


def ask(*wanted: dict[str, object], clips: tuple[Clip, ...] = THERE) -> list[dict[str, object]]:
    kept = cuts.checked(
        {"cuts": [{"title": "A title", **cut} for cut in wanted]},
        probed=PROBED,
        transcript=transcript(),
        clips=ClipsOutput(clips=clips),
    )
    answer = kept["cuts"]
    assert isinstance(answer, list)
    return answer


def test_a_cut_between_words_is_kept_as_it_was_asked_for() -> None:
    assert ask({"position": 1, "start": 11.8, "end": 18.7, "title": " A\tbetter\u202e \x00one "}) == [
        {"position": 1, "start": 11.8, "end": 18.7, "title": "A better one"}
    ]


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        (12.3, 18.7, "within the word “word12”"),
        (11.8, 18.3, "within the word “word18”"),
        (11.8, 14.7, "2.9 seconds long: 3"),
        (11.8, 71.9, "60.1 seconds long: 60"),
        (-0.1, 5.7, "within the video"),
        (117.8, 120.2, "within the video"),
        (18.7, 11.8, "within the video"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_the_reason(start: float, end: float, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        ask({"position": 0, "start": start, "end": end})


def test_the_longest_and_the_shortest_are_taken() -> None:
    ask({"position": 0, "start": 11.8, "end": 71.8}, {"position": 1, "start": 11.8, "end": 14.8})


def test_positions_are_those_there_are_and_the_next_free_ones() -> None:
    passage = {"start": 11.8, "end": 18.7}
    ask({"position": 4, **passage}, {"position": 3, **passage})
    ask({"position": 0, **passage}, clips=())
    for wrong in ([4], [0, 0], [5, 3]):
        with pytest.raises(BadInput):
            ask(*({"position": position, **passage} for position in wrong))
    full = tuple(THERE[0].model_copy(update={"position": n}) for n in range(cuts.MOST_CLIPS))
    ask({"position": 11, **passage}, clips=full)
    with pytest.raises(BadInput, match="12 clips"):
        ask({"position": 12, **passage}, clips=full)


def test_a_request_that_changes_nothing_costs_no_job() -> None:
    same = {"position": 1, "start": 10.8, "end": 16.8}
    with pytest.raises(BadInput, match="Nothing was changed"):
        ask({**same, "title": "Clip 1"})
    assert ask({**same, "title": "Another title"})


def test_silence_and_files_without_a_picture_make_no_clip() -> None:
    options = {"cuts": [{"position": 0, "start": 3.0, "end": 9.0, "title": "Silence"}]}
    with pytest.raises(BadInput, match="Nothing is said"):
        cuts.checked(options, probed=PROBED, transcript=transcript(words=WORDS[20:]), clips=None)
    sound_only = PROBED.model_copy(update={"has_picture": False})
    with pytest.raises(BadInput, match="no picture"):
        cuts.checked(options, probed=sound_only, transcript=transcript(), clips=None)


@pytest.mark.parametrize(
    "options",
    [
        {"cuts": []},
        {"cuts": "x"},
        {"cuts": [{"position": 0}]},
        {"cuts": [{"position": -1, "start": 1, "end": 9, "title": "t"}]},
        {"cuts": [{"position": 0, "start": float("nan"), "end": 9, "title": "t"}]},
        {"cuts": [{"position": 0, "start": 1, "end": 9, "title": "t", "made_by": str(uuid4())}]},
        {"cuts": [], "volume": 11},
        {"cuts": [{"position": n, "start": 11.8, "end": 18.7, "title": "t"} for n in range(13)]},
        {"cuts": [{"position": 0, "start": 11.8, "end": 18.7, "title": " \x00 "}]},
        {"cuts": [{"position": 0, "start": 11.8, "end": 18.7, "title": "t" * 101}]},
    ],
)
def test_what_cannot_be_read_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        cuts.checked(options, probed=PROBED, transcript=transcript(), clips=ClipsOutput(clips=THERE))


def test_a_job_without_options_asks_for_nothing() -> None:
    assert cuts.cuts_of({}) == ()


@given(
    gaps=st.lists(st.tuples(st.floats(-0.2, 1.0), st.floats(0.0, 1.0)), min_size=5, max_size=60),
    start=st.floats(-1, 60),
    length=st.floats(0, 70),
)
def test_whatever_is_let_through_can_be_rendered(gaps: list[tuple[float, float]], start: float, length: float) -> None:
    spoken: list[Word] = []
    at = 0.5
    for pause, lasting in gaps:
        begin = max(at + pause, spoken[-1].start if spoken else 0.0)
        spoken.append(Word(start=begin, end=begin + lasting, text="word", confidence=1.0))
        at = begin + lasting
    probed = PROBED.model_copy(update={"duration": at + 1})
    end = start + length
    try:
        kept = cuts.checked(
            {"cuts": [{"position": 0, "start": start, "end": end, "title": "t"}]},
            probed=probed,
            transcript=transcript(tuple(spoken)),
            clips=None,
        )
    except BadInput:
        inside = any(word.start < edge < word.end for word in spoken for edge in (start, end))
        outside = start < 0 or end > at + 1 + cuts.ROUNDING
        assert inside or outside or not 3 <= end - start <= 60 or not cuts.words_within(spoken, start, end)
        return
    (cut,) = cuts.cuts_of(kept)
    assert (cut.start, cut.end) == (start, end)
    assert 0 <= start < end <= at + 1 + cuts.ROUNDING
    assert cuts.SHORTEST <= end - start <= cuts.LONGEST
    assert not any(word.start < edge < word.end for word in spoken for edge in (start, end))
