"""What an uploaded file is: opened as hostile, capped by its header before anything is decoded, then sampled.

The cost is bounded by the caps below and not by the size of the file.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.errors import PermanentFailure
from services.media.source import (
    LONGEST_SECONDS,
    MICROSECONDS,
    MOST_PIXELS,
    BoundedReader,
    first_stream,
    open_source,
    read_only,
    seek_to,
    time_zero,
)
from services.outputs import ProbeOutput

MOST_STREAMS = 24  # a cinema camera records one picture and sixteen microphones
MOST_FRAMES_PER_SECOND = 240.0  # the slow motion of phones
SOUND_RATES = range(1_000, 768_001)  # samples a second; a resampler's tables grow with the ratio
MOST_BYTES_READ = 1024 * 1024 * 1024  # about a second from a disk; only files without an index need more than a few MB
ENDS_EARLY = 1.0  # seconds between what the header says and the last packet that are no loss
TAIL = 10.0  # seconds before the end from which the last packet is looked for
WINDOWS = 4  # places, evenly spread, where packets are decoded to see whether they can be
PIXELS_PER_WINDOW = 64_000_000  # 0.15 s of one core
SOUND_PACKETS_PER_WINDOW = 2000
# Formats whose duration is an estimate of the demuxer and no promise of a header.
WITHOUT_PROMISE = frozenset({"mp3", "aac", "mpegts", "mpeg"})
# Formats that carry a table of all packets, and of the keyframes at least.
LISTS_PACKETS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "avi"})
LISTS_KEYFRAMES = LISTS_PACKETS | {"matroska,webm"}


@dataclass(frozen=True, kw_only=True)
class Index:
    """What the container's own table of packets says of one stream, in seconds of the video.

    end is the last packet's time, end_present that of the last packet whose bytes are in the file.
    """

    packets: int
    end: float
    end_present: float
    keyframe_gap: float


def probe(source: Path) -> ProbeOutput:
    """The facts about a file. width and height are as shown: rotated, and with square pixels.

    bad_packets counts those that could not be decoded at the four places that were sampled.
    Raises PermanentFailure, with a sentence for the person, for whatever Backlot does not take.
    """
    with _bounded(source) as reader, open_source(source, through=reader, decoders=False) as container:
        refuse_by_header(container)
    size_bytes = source.stat().st_size
    with _bounded(source) as reader, open_source(source, through=reader) as container:
        refuse_by_header(container)  # again, now by what the streams say of themselves
        picture, sound = _streams(container)
        duration, partial_reason = _duration(container, reader, [s for s in (picture, sound) if s], size_bytes)
        index = _index(container, picture, size_bytes) if picture else None
        frame_rate = _frame_rate(container, picture, index) if picture else None

        # A stream that is announced and cannot be decoded is not there, as far as anyone who watches can tell.
        decoded, bad_pictures, rotation = _sample(container, picture, duration) if picture else (0, 0, 0)
        picture = picture if decoded else None
        decoded, bad_sounds, _ = _sample(container, sound, duration) if sound else (0, 0, 0)
        sound = sound if decoded else None
        if not picture and not sound:
            raise PermanentFailure(
                "Neither picture nor sound of this file can be decoded: it is damaged, or in a format that Backlot "
                "does not know. Please export it again as MP4 (H.264 and AAC) and upload that."
            )
        width, height = _size_shown(picture, rotation) if picture else (None, None)
        return ProbeOutput(
            container=container.format.name.split(",")[0],
            duration=duration,
            size_bytes=size_bytes,
            has_picture=picture is not None,
            has_sound=sound is not None,
            width=width,
            height=height,
            frame_rate=frame_rate if picture else None,
            video_codec=picture.codec_context.name if picture else None,
            audio_codec=sound.codec_context.name if sound else None,
            keyframe_gap=index.keyframe_gap if picture and index and container.format.name in LISTS_KEYFRAMES else None,
            partial_reason=partial_reason,
            bad_packets=bad_pictures + bad_sounds,
        )


def clock(seconds: float) -> str:
    """A time as a player shows it: 0:07, 12:30, 1:02:03."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def refuse_by_header(container: InputContainer) -> None:
    """Holds a file against the caps on tracks, pixels and length. Raises PermanentFailure over one of them."""
    if len(container.streams) > MOST_STREAMS:
        raise PermanentFailure(
            f"The file has {len(container.streams)} tracks; Backlot takes up to {MOST_STREAMS}. "
            "Please export it with one picture and one sound track."
        )
    for stream in container.streams.video:
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MOST_PIXELS:
            raise PermanentFailure(
                f"The picture is {width} by {height}; Backlot takes up to 8192 by 4320. Please export it smaller."
            )
    _refuse_length((container.duration or 0) / MICROSECONDS)


def _bounded(source: Path) -> BoundedReader:
    try:
        return BoundedReader(source, most_bytes=MOST_BYTES_READ)
    except FileNotFoundError as error:
        raise PermanentFailure("The uploaded file is not in the storage any more. Please upload it again.") from error


def _refuse_length(duration: float) -> None:
    if duration > LONGEST_SECONDS:
        raise PermanentFailure(
            f"The video is {clock(duration)} long; Backlot takes up to {clock(LONGEST_SECONDS)}. "
            "Please cut it into parts and upload those."
        )


def _streams(container: InputContainer) -> tuple[VideoStream | None, AudioStream | None]:
    """The picture and the sound, where the header describes one that could be decoded."""
    picture = first_stream(container, "video")
    sound = first_stream(container, "audio")
    if not isinstance(picture, VideoStream) or picture.codec_context.width <= 0:
        picture = None
    if not isinstance(sound, AudioStream) or sound.codec_context.sample_rate not in SOUND_RATES:
        sound = None
    if picture is None and sound is None:
        raise PermanentFailure("There is neither a picture nor sound in this file. Please upload another one.")
    return picture, sound


def _duration(
    container: InputContainer, reader: BoundedReader, streams: Sequence[VideoStream | AudioStream], size_bytes: int
) -> tuple[float, str | None]:
    """How long the video is, and, where it ends before its header says, the sentence that tells so."""
    claimed = (container.duration or 0) / MICROSECONDS
    tables = [table for table in (_index(container, stream, size_bytes) for stream in streams) if table]
    end = max((table.end_present for table in tables), default=0.0)
    if claimed and claimed - end <= ENDS_EARLY:
        return claimed, None
    if not claimed or claimed - max((table.end for table in tables), default=0.0) > ENDS_EARLY:
        # The table, if there is one, does not reach to the end: look at the last packets themselves.
        end = max(end, _last_packet(container, claimed))
        if reader.exhausted and claimed:
            return claimed, None
        if reader.exhausted:
            raise PermanentFailure(
                "The file does not say how long it is, and it is too large to be measured. "
                "Please save it again as MP4 and upload that."
            )
    _refuse_length(end)
    if end <= 0:
        raise PermanentFailure("There is nothing to play in this file: it ends right after its header.")
    if claimed - end <= ENDS_EARLY or container.format.name in WITHOUT_PROMISE:
        return end, None
    return end, f"The file says it lasts {clock(claimed)} but ends at {clock(end)}: the rest is missing."


def _index(container: InputContainer, stream: Stream, size_bytes: int) -> Index | None:
    time_base, zero = float(stream.time_base or 0), time_zero(container)
    end, end_present, gap, keyframe_before = 0.0, 0.0, 0.0, 0.0
    packets = len(stream.index_entries)
    if not packets or not time_base:
        return None
    for entry in stream.index_entries:
        end = entry.timestamp * time_base - zero
        if entry.pos + entry.size <= size_bytes:
            end_present = max(end_present, end)
        if entry.is_keyframe:
            gap = max(gap, end - keyframe_before)
            keyframe_before = end
    return Index(packets=packets, end=end, end_present=end_present, keyframe_gap=max(gap, end - keyframe_before))


def _last_packet(container: InputContainer, claimed: float) -> float:
    """The end of the last packet that can be read, in seconds of the video; 0 where there is none."""
    with suppress(av.FFmpegError):  # not every format can seek: then the reading starts where it is
        seek_to(container, max(0.0, (claimed or LONGEST_SECONDS) - TAIL))
    zero = time_zero(container)
    end = 0.0
    with suppress(av.FFmpegError):
        for packet in container.demux():
            if packet.pts is not None and packet.time_base is not None and packet.stream.type in ("video", "audio"):
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base) - zero)
    return end


def _frame_rate(container: InputContainer, stream: VideoStream, index: Index | None) -> float | None:
    """Frames a second. Raises PermanentFailure over the cap.

    Counted where the table of packets allows: some formats state the tick of their clock instead of a rate.
    """
    rate = float(stream.average_rate) if stream.average_rate else None
    if index is not None and index.end > 0 and index.packets > 1 and container.format.name in LISTS_PACKETS:
        rate = (index.packets - 1) / index.end
    if rate is not None and rate > MOST_FRAMES_PER_SECOND:
        raise PermanentFailure(
            f"The video has {rate:,.0f} frames a second; Backlot takes up to {MOST_FRAMES_PER_SECOND:.0f}. "
            "Please export it at 60 or fewer."
        )
    return rate


def _sample(container: InputContainer, stream: VideoStream | AudioStream, duration: float) -> tuple[int, int, int]:
    """Decodes a bounded number of packets at a few places: (frames, packets that failed, rotation in degrees)."""
    read_only(container, stream)
    if isinstance(stream, VideoStream):
        quota = max(8, PIXELS_PER_WINDOW // max(1, stream.codec_context.width * stream.codec_context.height))
    else:
        quota = SOUND_PACKETS_PER_WINDOW
    zero = time_zero(container)
    frames, failed, rotation = 0, 0, 0
    for window in range(WINDOWS):
        window_end = duration * (window + 1) / WINDOWS
        try:
            seek_to(container, duration * window / WINDOWS)
            for packet in itertools.islice(container.demux(stream), quota):
                if packet.pts is not None and float(packet.pts * packet.time_base) - zero >= window_end:
                    break
                try:
                    decoded = stream.codec_context.decode(packet)
                except (av.FFmpegError, ValueError):
                    failed += 1
                    continue
                frames += len(decoded)
                failed += packet.is_corrupt
                if decoded and isinstance(decoded[0], VideoFrame):
                    rotation = decoded[0].rotation
        except (av.FFmpegError, ValueError):
            continue  # this place cannot be reached; the others may
    return frames, failed, rotation


def _size_shown(stream: VideoStream, rotation: int) -> tuple[int, int]:
    """Width and height as a player shows them."""
    width, height = stream.codec_context.width, stream.codec_context.height
    width = round(width * float(stream.sample_aspect_ratio or 1))
    return (height, width) if rotation % 180 == 90 else (width, height)
