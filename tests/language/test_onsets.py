"""Times of words are moved to where the sound is, on bursts of noise whose times are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engines.chunks import SAMPLE_RATE
from services.engines.onsets import fit_to_sound
from services.engines.protocol import Samples
from services.outputs import Segment, Word

BURSTS = ((0.5, 1.0), (1.7, 2.3), (3.0, 3.8))
OFFSET = 100.0


def sound_of(background: float) -> Samples:
    generator = np.random.default_rng(7)
    samples = generator.normal(0, background, 5 * SAMPLE_RATE)
    for start, end in BURSTS:
        span = slice(int(start * SAMPLE_RATE), int(end * SAMPLE_RATE))
        samples[span] += generator.normal(0, 0.2, span.stop - span.start)
    return samples.astype(np.float32)


def segment_of(times: list[tuple[float, float]]) -> Segment:
    words = tuple(
        Word(start=OFFSET + start, end=OFFSET + end, text=f"w{number}", confidence=1.0)
        for number, (start, end) in enumerate(times)
    )
    return Segment(start=words[0].start, end=words[-1].end, text=" ".join(word.text for word in words), words=words)


@pytest.mark.parametrize("background", [0.0, 0.001, 0.02])
@pytest.mark.parametrize("early", [-0.3, -0.1, 0.0, 0.15, 0.3])
@pytest.mark.parametrize("late", [-0.2, 0.0, 0.2])
def test_words_beside_pauses_are_moved_to_the_sound(background: float, early: float, late: float) -> None:
    heard = segment_of([(start + early, end + late) for start, end in BURSTS])
    (fitted,) = fit_to_sound([heard], sound_of(background), offset=OFFSET, earliest=OFFSET, latest=OFFSET + 5)
    for word, (start, end) in zip(fitted.words, BURSTS, strict=True):
        assert word.start == pytest.approx(OFFSET + start, abs=0.03)
        assert word.end == pytest.approx(OFFSET + end, abs=0.03)
    assert (fitted.start, fitted.end) == (fitted.words[0].start, fitted.words[-1].end)


times = st.lists(st.floats(0.0, 5.0).map(lambda time: round(time, 3)), min_size=2, max_size=20)


@given(edges=times, background=st.sampled_from([0.0, 0.05]), cut=st.integers(1, 9))
def test_order_and_bounds_are_kept_whatever_was_heard(edges: list[float], background: float, cut: int) -> None:
    edges = sorted(edges[: len(edges) // 2 * 2])
    pairs = list(zip(edges[::2], edges[1::2], strict=True))
    heard = [segment_of(part) for part in (pairs[:cut], pairs[cut:]) if part]
    fitted = fit_to_sound(heard, sound_of(background), offset=OFFSET, earliest=OFFSET, latest=OFFSET + 5)
    assert [segment.text for segment in fitted] == [segment.text for segment in heard]
    bounds = [time for segment in fitted for word in segment.words for time in (word.start, word.end)]
    assert bounds == sorted(bounds)
    assert bounds[0] >= OFFSET
    assert bounds[-1] <= OFFSET + 5


def test_nothing_heard() -> None:
    assert fit_to_sound([], sound_of(0), offset=0, earliest=0, latest=5) == ()
