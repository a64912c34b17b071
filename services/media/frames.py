"""Pictures of a video: where scenes change, how sharp, bright and different frames are, and single frames as JPEG."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy
import numpy.typing
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from services.errors import PermanentFailure
from services.media.source import decoded, first_stream, open_source, read_only, seek_to, time_zero

Picture = numpy.typing.NDArray[numpy.uint8]

# Encoders put a keyframe at each cut, but at fixed distances where hardware made the file. Where two keyframes lie
# farther apart than this a cut may lie between them, and all frames that others refer to are looked at.
KEYFRAMES_TOO_FAR = 10.0
FEWEST_KEYFRAMES = 12  # fewer are too few to choose thumbnails from
LOOKS_PER_SECOND = 5.0  # of the frames between keyframes
SCENE_CHANGE = 30.0  # mean difference of two small pictures, 0 to 255, from which on it is another scene
SLOTS = 600  # of time, in each of which one look is kept, so that memory does not grow with length
SMALL = (64, 36)  # of the pictures that are compared
MEDIUM = (480, 270)  # of the pictures whose sharpness is measured


@dataclass(frozen=True, kw_only=True)
class Look:
    """One frame, measured. at is in seconds of the video; small has shape (36, 64, 3), 0 to 255.

    sharpness is the variance of the Laplacian of the grey picture at 480 by 270, whatever the video's size.
    """

    at: float
    sharpness: float
    brightness: float  # 0 to 255
    contrast: float  # standard deviation of the brightness
    small: Picture


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The sharpest look of each slot of time, in order, and the times of the scene changes in seconds."""

    looks: tuple[Look, ...]
    scene_cuts: tuple[float, ...]


def survey(source: Path, duration: float, *, pulse: Callable[[float], None]) -> Survey:
    """Looks at the keyframes, or closer where these are few or far apart, and finds the scene changes among them.

    duration is in seconds. pulse is called with the time of the video that was reached, for each frame; what it
    raises ends the survey. Raises PermanentFailure where there is no picture.
    """
    found, widest, count = _survey(source, duration, closely=False, pulse=pulse)
    if widest <= KEYFRAMES_TOO_FAR and count >= FEWEST_KEYFRAMES:
        return found
    return _survey(source, duration, closely=True, pulse=pulse)[0]


def _survey(
    source: Path, duration: float, *, closely: bool, pulse: Callable[[float], None]
) -> tuple[Survey, float, int]:
    """The survey, the widest gap between two frames in seconds, and their number."""
    slot_seconds = max(duration / SLOTS, 1 / LOOKS_PER_SECOND)
    sharpest: dict[int, Look] = {}
    cuts: list[float] = []
    before: tuple[float, Picture] | None = None
    widest, count, due = 0.0, 0, 0.0
    for at, frame in _frames_looked_at(source, closely=closely):
        pulse(at)
        small = _scaled(frame, SMALL, "rgb24")
        count += 1
        widest = max(widest, at - (before[0] if before else 0.0))
        if before is not None and _difference(before[1], small) > SCENE_CHANGE:
            cuts.append(round(at, 3))
        before = at, small
        if at < due:
            continue
        due = at + 1 / LOOKS_PER_SECOND
        look = _look(frame, at, small)
        slot = int(at / slot_seconds)
        if slot not in sharpest or look.sharpness > sharpest[slot].sharpness:
            sharpest[slot] = look
    widest = max(widest, duration - (before[0] if before else 0.0))
    return Survey(looks=tuple(sharpest.values()), scene_cuts=tuple(cuts)), widest, count


def difference(one: Look, other: Look) -> float:
    """How different two frames look: the mean absolute difference of their small pictures, 0 to 255."""
    return _difference(one.small, other.small)


def _difference(one: Picture, other: Picture) -> float:
    return float(numpy.abs(one.astype(numpy.int16) - other).mean())


def _frames_looked_at(source: Path, *, closely: bool) -> Iterator[tuple[float, VideoFrame]]:
    """The keyframes, or all frames that others refer to, each with its time in the video."""
    with open_source(source) as container:
        stream = first_stream(container, "video")
        if not isinstance(stream, VideoStream):
            raise PermanentFailure("The video has no picture.")
        read_only(container, stream, keyframes=not closely)
        stream.codec_context.skip_frame = "NONREF" if closely else "NONKEY"
        zero = time_zero(container)
        for frame in decoded(container.demux(stream), stream.codec_context.decode):
            yield max(0.0, frame.time - zero) if frame.time is not None else 0.0, frame


def _look(frame: VideoFrame, at: float, small: Picture) -> Look:
    grey = _scaled(frame, MEDIUM, "gray").astype(numpy.float32)
    laplacian = grey[1:-1, 2:] + grey[1:-1, :-2] + grey[2:, 1:-1] + grey[:-2, 1:-1] - 4 * grey[1:-1, 1:-1]
    return Look(
        at=at,
        sharpness=float(laplacian.var()),
        brightness=float(grey.mean()),
        contrast=float(grey.std()),
        small=small,
    )


def _scaled(frame: VideoFrame, size: tuple[int, int], pixel_format: str) -> Picture:
    scaled = frame.reformat(width=size[0], height=size[1], format=pixel_format, interpolation="AREA", threads=1)
    return numpy.asarray(scaled.to_ndarray(), dtype=numpy.uint8)


def save_frame(source: Path, at: float, target: Path, *, widest: int) -> tuple[int, int]:
    """Writes the first frame at or after a time, as shown (rotated, square pixels), to a JPEG; returns its size.

    Raises PermanentFailure where no frame can be decoded there.
    """
    with open_source(source) as container:
        stream = first_stream(container, "video")
        if not isinstance(stream, VideoStream):
            raise PermanentFailure("The video has no picture.")
        read_only(container, stream)
        zero = time_zero(container)
        seek_to(container, at + 0.001)  # rounded down it would mean the keyframe before
        for frame in decoded(container.demux(stream), stream.codec_context.decode):
            if frame.time is None or frame.time - zero >= at - 0.001:
                picture = _as_shown(frame, float(stream.sample_aspect_ratio or 1), widest)
                picture.save(target, "JPEG", quality=88, optimize=True, progressive=True)
                return picture.size
    raise PermanentFailure("A frame that was chosen as a thumbnail cannot be decoded any more.")


def save_smaller(picture: Path, target: Path, *, widest: int) -> None:
    """Writes a JPEG again, at most so many pixels wide, for lists."""
    with Image.open(picture) as shown:
        shown.thumbnail((widest, widest * 4), Image.Resampling.LANCZOS, reducing_gap=3.0)
        shown.save(target, "JPEG", quality=80, optimize=True, progressive=True)


def _as_shown(frame: VideoFrame, pixel_aspect: float, widest: int) -> Image.Image:
    width, height = frame.width * pixel_aspect, float(frame.height)
    upright = frame.rotation % 180 == 0
    scale = min(1.0, widest / (width if upright else height))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    scaled = frame.reformat(width=size[0], height=size[1], format="rgb24", interpolation="LANCZOS", threads=1)
    picture = Image.fromarray(numpy.asarray(scaled.to_ndarray(), dtype=numpy.uint8))
    # The rotation says how far the picture must be turned counterclockwise to stand upright.
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
