from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engines.chunks import SAMPLE_RATE, cut_into_chunks, quietest_point


def noise(seconds: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * SAMPLE_RATE)).astype(np.float32)


@given(
    lengths=st.lists(st.integers(min_value=0, max_value=3 * SAMPLE_RATE), max_size=8),
    chunk_seconds=st.floats(min_value=1.0, max_value=3.0),
)
def test_chunks_together_are_the_sound_sample_for_sample(lengths: list[int], chunk_seconds: float) -> None:
    whole = np.arange(sum(lengths), dtype=np.float32)
    blocks = np.split(whole, np.cumsum(lengths)[:-1]) if lengths else []
    chunks = list(cut_into_chunks(blocks, chunk_seconds=chunk_seconds, search_seconds=0.9))
    joined = np.concatenate([chunk.samples for chunk in chunks]) if chunks else whole[:0]
    assert np.array_equal(joined, whole)
    assert [chunk.start for chunk in chunks] == [int(chunk.samples[0]) for chunk in chunks]
    assert all(0 < len(chunk.samples) <= chunk_seconds * SAMPLE_RATE for chunk in chunks)


def test_a_chunk_ends_in_the_pause() -> None:
    sound = noise(70)
    pauses = [(21.0, 22.0), (40.0, 41.0), (60.0, 61.0)]
    for start, end in pauses:
        sound[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)] = 0
    starts = [chunk.start / SAMPLE_RATE for chunk in cut_into_chunks([sound])]
    assert starts[0] == 0
    for start, (pause_start, pause_end) in zip(starts[1:], pauses, strict=True):
        assert pause_start < start < pause_end


def test_of_equally_quiet_points_the_last_is_taken() -> None:
    assert quietest_point(np.zeros(10 * SAMPLE_RATE, dtype=np.float32)) == pytest.approx(9.6 * SAMPLE_RATE)


def test_memory_is_bounded_by_a_chunk_and_a_block() -> None:
    """A chunk leaves as soon as it is full: the sound is never collected first."""
    taken = 0

    def blocks():  # type: ignore[no-untyped-def]
        nonlocal taken
        for seed in range(10):
            taken += 1
            yield noise(30, seed)

    next(iter(cut_into_chunks(blocks())))
    assert taken == 1
