"""Moves the times of words beside pauses to where the sound begins and ends.

Measured at 32 pauses of the reading that the sample is made from: a start errs by 0.03 seconds instead of 0.16, an end
by 0.03 instead of 0.10.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.engines.chunks import SAMPLE_RATE
from services.engines.protocol import Samples
from services.outputs import Segment, Word

FRAME_SECONDS = 0.01
FRAME = int(FRAME_SECONDS * SAMPLE_RATE)
PAUSE_SECONDS = 0.1  # between words, from which on their times are looked at
REACH_SECONDS = 0.5  # a time is moved no further
SOUND_SHARE = 0.06  # of the loudness of the segment, from which on a frame is sound and not pause
NOISE_TIMES = 2.0  # the background, where that is louder
DIP_FRAMES = 8  # so many quiet frames lie within a word, before a "t" or a "k"
SHORTEST_WORD = 0.05

Mask = NDArray[np.bool_]


def fit_to_sound(
    segments: Sequence[Segment], samples: Samples, *, offset: float, earliest: float, latest: float
) -> tuple[Segment, ...]:
    """The same segments with better times; their order is kept, and earliest and latest too.

    offset is the second at which the samples begin; they contain what the segments say.
    """
    words = [word for segment in segments for word in segment.words]
    levels = _levels(samples)
    fitted: list[Word] = []
    for segment in segments:
        sound = _sound(levels, segment, offset)
        for word in segment.words:
            position = len(fitted)
            floor = fitted[-1].end if fitted else earliest
            ceiling = words[position + 1].start if position + 1 < len(words) else latest
            start, end = word.start, word.end
            if start - floor >= PAUSE_SECONDS or position == 0:
                start = _start(sound, word, floor, offset)
            if ceiling - end >= PAUSE_SECONDS or position + 1 == len(words):
                end = _end(sound, word, start, ceiling, offset)
            fitted.append(word.model_copy(update={"start": round(start, 3), "end": round(end, 3)}))
    return _with_words(segments, fitted)


def _levels(samples: Samples) -> NDArray[np.float64]:
    frames = len(samples) // FRAME
    squares = np.square(samples[: frames * FRAME].astype(np.float64)).reshape(frames, FRAME)
    return np.asarray(np.sqrt(squares.mean(axis=1)))


def _sound(levels: NDArray[np.float64], segment: Segment, offset: float) -> Mask:
    spoken = levels[_frame(segment.start, offset) : _frame(segment.end, offset) + 1]
    if not len(spoken):
        return np.zeros(len(levels), dtype=np.bool_)
    loud, background = np.percentile(spoken, 90), np.percentile(levels, 10)
    return np.asarray(levels > max(SOUND_SHARE * loud, NOISE_TIMES * background))


def _start(sound: Mask, word: Word, floor: float, offset: float) -> float:
    """Back to where the sound that reaches the word begins; or on, over silence, to where it begins."""
    at = _frame(word.start, offset)
    heard = sound[at : at + DIP_FRAMES]
    if heard.any():
        lowest = _frame(max(floor, word.start - REACH_SECONDS), offset)
        before = _run(sound[lowest:at][::-1])
        return max(word.start - before * FRAME_SECONDS, floor)
    onset = sound[at : _frame(min(word.end, word.start + REACH_SECONDS), offset)]
    later = word.start + int(np.argmax(onset)) * FRAME_SECONDS if onset.any() else word.start
    return max(word.start, min(later, word.end - SHORTEST_WORD))


def _end(sound: Mask, word: Word, start: float, ceiling: float, offset: float) -> float:
    """On to where the sound that leaves the word ends; or back, over silence, to where it ended."""
    at = _frame(word.end, offset)
    heard = sound[max(at - DIP_FRAMES, 0) : at]
    if heard.any():
        after = _run(sound[at : _frame(min(ceiling, word.end + REACH_SECONDS), offset)])
        return min(word.end + after * FRAME_SECONDS, ceiling)
    tail = sound[_frame(max(start, word.end - REACH_SECONDS), offset) : at][::-1]
    earlier = word.end - int(np.argmax(tail)) * FRAME_SECONDS if tail.any() else word.end
    return min(word.end, max(earlier, start + SHORTEST_WORD))


def _run(sound: Mask) -> int:
    """How many frames belong to the sound that comes first, dips included."""
    length = quiet = 0
    for position, is_sound in enumerate(sound, start=1):
        quiet = 0 if is_sound else quiet + 1
        if is_sound:
            length = position
        if quiet > DIP_FRAMES:
            break
    return length


def _frame(seconds: float, offset: float) -> int:
    return max(int((seconds - offset) / FRAME_SECONDS), 0)


def _with_words(segments: Sequence[Segment], words: Sequence[Word]) -> tuple[Segment, ...]:
    remade: list[Segment] = []
    first = 0
    for segment in segments:
        own = tuple(words[first : first + len(segment.words)])
        first += len(own)
        remade.append(segment.model_copy(update={"start": own[0].start, "end": own[-1].end, "words": own}))
    return tuple(remade)
