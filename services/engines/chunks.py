"""Cuts a stream of sound into chunks at quiet points, so that memory does not grow with the length of a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from services.engines.protocol import Samples

SAMPLE_RATE = 16_000
# Whisper hears 30 seconds at once. In longer chunks it decides itself where its next window starts, by the times of
# words, and where it errs it passes over speech: measured, six words of a reading of 264.
CHUNK_SECONDS = 28.0
SEARCH_SECONDS = 16.0  # a chunk may be this much shorter, to end in a pause
QUIET_SECONDS = 0.8  # about the pause after a sentence
HOP = SAMPLE_RATE // 50


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A stretch of sound; start is the index of its first sample in the whole."""

    start: int
    samples: Samples


def quietest_point(samples: Samples) -> int:
    """The index in the middle of the quietest 0.8 seconds; of equally quiet ones the last."""
    frames = len(samples) // HOP
    window = min(int(QUIET_SECONDS * SAMPLE_RATE) // HOP, frames)
    if window == 0:
        return len(samples)
    energy = np.square(samples[: frames * HOP].astype(np.float64)).reshape(frames, HOP).mean(axis=1)
    loudness = np.convolve(energy, np.ones(window), mode="valid")
    last_quietest = len(loudness) - 1 - int(np.argmin(loudness[::-1]))
    return int((last_quietest + window / 2) * HOP)


def cut_into_chunks(
    blocks: Iterable[Samples], *, chunk_seconds: float = CHUNK_SECONDS, search_seconds: float = SEARCH_SECONDS
) -> Iterator[Chunk]:
    """Chunks of at most chunk_seconds that together are the blocks, sample for sample."""
    longest = int(chunk_seconds * SAMPLE_RATE)
    search = int(search_seconds * SAMPLE_RATE)
    start = 0
    waiting: Samples = np.empty(0, dtype=np.float32)
    for block in blocks:
        waiting = np.concatenate((waiting, block))
        while len(waiting) > longest:
            cut = longest - search + quietest_point(waiting[longest - search : longest])
            yield Chunk(start=start, samples=waiting[:cut])
            start += cut
            waiting = waiting[cut:].copy()
    if len(waiting):
        yield Chunk(start=start, samples=waiting)
