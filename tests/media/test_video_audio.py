"""The blocks of sound: gapless, from time 0, with silence where the file has none."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from services.errors import PermanentFailure
from services.media.audio import Samples, audio_blocks
from tests.bad_inputs import BAD_INPUTS
from tests.media import video_sources as sources

RATE = 16000


def loudness(samples: Samples, start: float, end: float) -> float:
    part = samples[round(start * RATE) : round(end * RATE)]
    return float(numpy.sqrt((part**2).mean()))


def whole(source: Path) -> Samples:
    return numpy.concatenate(list(audio_blocks(source)))


def test_blocks_have_the_size_asked_for() -> None:
    blocks = list(audio_blocks(sources.scenes(), block_seconds=5.0))
    assert [block.size for block in blocks[:-1]] == [5 * RATE] * 4
    assert sum(block.size for block in blocks) == pytest.approx(sources.SECONDS * RATE, abs=0.05 * RATE)
    assert all(block.dtype == numpy.float32 for block in blocks)


def test_blocks_carry_the_tone_across_their_borders() -> None:
    samples = whole(sources.scenes())
    spectrum = numpy.abs(numpy.fft.rfft(samples[: 20 * RATE]))
    assert numpy.argmax(spectrum) / 20 == pytest.approx(440, abs=1)
    joined = numpy.concatenate(list(audio_blocks(sources.scenes(), block_seconds=0.37)))
    assert numpy.array_equal(joined, samples)


def test_late_sound_is_led_by_silence() -> None:
    samples = whole(sources.late_sound())
    assert loudness(samples, 0.0, 1.9) == 0.0
    assert loudness(samples, 2.1, 5.0) > 0.05


def test_hole_in_the_timestamps_is_silence() -> None:
    samples = whole(sources.broken_sound())
    assert loudness(samples, 1.0, 5.8) > 0.05
    assert loudness(samples, 6.3, 8.7) < 0.001
    assert loudness(samples, 9.2, 12.0) > 0.05
    assert samples.size == pytest.approx(sources.SECONDS * RATE, abs=0.1 * RATE)


def test_damaged_packets_are_passed_over(tmp_path: Path) -> None:
    source = tmp_path / "source"
    BAD_INPUTS["bit_rotted"].make(source)
    assert whole(source).size > 25 * RATE


def test_picture_without_sound_is_told() -> None:
    with pytest.raises(PermanentFailure, match="no sound"):
        next(audio_blocks(sources.still()))
