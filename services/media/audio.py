"""The sound of a video as samples, read as a stream: memory does not grow with length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy
import numpy.typing
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from services.errors import PermanentFailure
from services.media.source import LONGEST_SECONDS, decoded, first_stream, open_source, read_only, time_zero

Samples = numpy.typing.NDArray[numpy.float32]

# Below this a difference between a frame's time and the samples so far is rounding of timestamps, not a hole.
HOLE_SECONDS = 0.1


def audio_blocks(source: Path, *, sample_rate: int = 16000, block_seconds: float = 30.0) -> Iterator[Samples]:
    """Yields the first sound track as consecutive blocks of mono samples, -1 to 1, from time 0 of the video.

    Each block has shape (sample_rate * block_seconds,), the last one is shorter. The blocks have no gap: a late start
    and holes in the timestamps are silence. Damaged packets are passed over.
    Raises PermanentFailure where the file has no sound or cannot be opened.
    """
    block_size = round(sample_rate * block_seconds)
    with open_source(source) as container:
        held: list[Samples] = []
        held_size = 0
        for piece in _pieces(container, sample_rate, block_size):
            held.append(piece)
            held_size += piece.size
            if held_size < block_size:
                continue
            joined = numpy.concatenate(held)
            whole = joined.size - joined.size % block_size
            for start in range(0, whole, block_size):
                yield joined[start : start + block_size].copy()
            held = [joined[whole:].copy()]
            held_size = held[0].size
        if held_size:
            yield numpy.concatenate(held)


def _pieces(container: InputContainer, sample_rate: int, longest_piece: int) -> Iterator[Samples]:
    """Decoded samples and the silence between them, in pieces of no fixed size."""
    stream = first_stream(container, "audio")
    if not isinstance(stream, AudioStream):
        raise PermanentFailure("This video has no sound track.")
    read_only(container, stream)
    zero = time_zero(container)
    resampler = _Resampler(sample_rate)
    position = 0  # samples yielded so far
    for frame in decoded(container.demux(stream), stream.codec_context.decode):
        target = position  # a time beyond the longest video is a broken one
        if frame.time is not None and frame.time - zero < LONGEST_SECONDS:
            target = round((frame.time - zero) * sample_rate)
        if target - position - resampler.pending > HOLE_SECONDS * sample_rate:
            for samples in resampler.flush():
                position += samples.size
                yield samples
            while position < target:
                silence = numpy.zeros(min(target - position, longest_piece), dtype=numpy.float32)
                position += silence.size
                yield silence
        early = max(0, -target) if position == 0 else 0  # an encoder's lead-in lies before time 0
        for samples in resampler.push(frame):
            kept = samples[early:]
            early = max(0, early - samples.size)
            position += kept.size
            yield kept
    yield from resampler.flush()


class _Resampler:
    """Turns frames of any layout, rate and format into mono samples; a change in the middle of a file starts anew."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._resampler: AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None
        self._pushed = 0.0  # samples at the output's rate
        self._pulled = 0

    @property
    def pending(self) -> int:
        """Samples that went in and have not come out yet."""
        return max(0, round(self._pushed) - self._pulled)

    def push(self, frame: AudioFrame) -> Iterator[Samples]:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            yield from self.flush()
            self._resampler = AudioResampler(format="fltp", layout="mono", rate=self._sample_rate)
            self._shape = shape
        assert self._resampler is not None  # noqa: S101 - set with the shape
        frame.pts = None  # the resampler counts by itself; the caller looks after the times
        self._pushed += frame.samples * self._sample_rate / frame.sample_rate
        yield from self._pull(self._resampler.resample(frame))

    def flush(self) -> Iterator[Samples]:
        if self._resampler is not None:
            yield from self._pull(self._resampler.resample(None))
        self._resampler = None
        self._shape = None
        self._pushed = 0.0
        self._pulled = 0

    def _pull(self, frames: list[AudioFrame]) -> Iterator[Samples]:
        for frame in frames:
            samples: Samples = frame.to_ndarray()[0]
            self._pulled += samples.size
            yield samples
