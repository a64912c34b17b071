"""Opening an uploaded file. Until it is probed it is hostile, so this is the only place that opens one."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.video.codeccontext import VideoCodecContext

from services.errors import PermanentFailure

# Only containers that carry their own media. Playlists (hls, concat, dash) would read other files or open connections,
# and picture formats (gif, png) are not videos.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,wav,mp3,flac,aac"
PROTOCOLS = "file"
# 8K as cinemas have it. Each picture of that size takes 53 MB once decoded, and a decoder holds several.
MOST_PIXELS = 8192 * 4320
LONGEST_SECONDS = 4 * 3600.0
MICROSECONDS = 1_000_000  # in a second: the unit of a container's own times

# What a file that could not be opened is, by its first bytes (lower case), in words for the person who uploaded it.
LOOKS_LIKE = (
    (b"pk\x03\x04", "This is a ZIP archive or an office document, not a video."),
    (b"gif8", "This is a GIF picture. Backlot works on videos and sound recordings."),
    (b"#extm3u", "This is a playlist that names other files, not a video."),
    (b"ffconcat", "This is a list that names other files, not a video."),
    (b"<!doctype html", "This is a web page, not a video."),
    (b"<html", "This is a web page, not a video."),
)
WHAT_TO_UPLOAD = "Please upload an MP4, MOV, MKV, WebM or AVI file."


Packet = TypeVar("Packet")
Frame = TypeVar("Frame")


class BoundedReader(io.RawIOBase):
    """A file that pretends to end once so many bytes were read from it; exhausted tells whether it did."""

    name = "source"

    def __init__(self, source: Path, *, most_bytes: int) -> None:
        super().__init__()
        self._file = source.open("rb", buffering=0)
        self._left = most_bytes
        self.exhausted = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._left <= 0:
            self.exhausted = True
            return b""
        data = self._file.read(size)
        self._left -= len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def open_source(
    source: Path, *, through: BoundedReader | None = None, decoders: bool = True
) -> Iterator[InputContainer]:
    """Opens an uploaded file with whitelists, a cap on pixels and one decoding thread; closes it afterwards.

    With through, bytes come from that reader alone. Without decoders only headers are read: even opening a file
    decodes a little otherwise. Raises PermanentFailure where the file is nothing that Backlot reads.
    """
    options = {"max_pixels": str(MOST_PIXELS)} if decoders else {"codec_whitelist": "none"}
    container_options = {"format_whitelist": FORMATS, "protocol_whitelist": PROTOCOLS}
    try:
        if source.stat().st_size == 0:
            raise PermanentFailure("The file is empty. Please check it on your computer and upload it again.")
        container = av.open(
            through if through is not None else f"file:{source}",
            mode="r",
            options=options,
            container_options=container_options,
            metadata_errors="replace",
            buffer_size=1 << 18,
        )
    except FileNotFoundError as error:
        raise PermanentFailure("The uploaded file is not in the storage any more. Please upload it again.") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise PermanentFailure(_why_not(source)) from error
    with container:
        for stream in container.streams:
            if isinstance(stream.codec_context, CodecContext):
                stream.codec_context.options = options
            if isinstance(stream.codec_context, VideoCodecContext):
                stream.codec_context.thread_count = 1  # one worker runs on each core
        yield container


def _why_not(source: Path) -> str:
    """Why a file cannot be opened and what to do, in words for the person who uploaded it."""
    with source.open("rb") as file:
        head = file.read(64)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for mark, sentence in LOOKS_LIKE:
        if start.startswith(mark):
            return f"{sentence} {WHAT_TO_UPLOAD}"
    if head[4:8] == b"ftyp":
        return (
            "The video is incomplete: its table of contents is missing, as when a recording or a copy was cut off. "
            "Please export or copy it again and upload the new file."
        )
    return f"This file is not a video or a sound recording that Backlot can read. {WHAT_TO_UPLOAD}"


def time_zero(container: InputContainer) -> float:
    """Seconds on the container's clock at which the video starts: what a player shows as 0:00."""
    return (container.start_time or 0) / MICROSECONDS


def seek_to(container: InputContainer, at: float) -> None:
    """Moves to the keyframe at or before a time of the video in seconds. Raises av.FFmpegError where there is none."""
    container.seek(round((at + time_zero(container)) * MICROSECONDS))


def read_only(container: InputContainer, wanted: Stream, *, keyframes: bool = False) -> None:
    """Makes the demuxer pass over all streams but one, and over all but its keyframes where only those are wanted."""
    for stream in container.streams:
        if stream is not wanted:
            stream.discard = Discard.all
        else:
            stream.discard = Discard.nonkey if keyframes else Discard.default


def first_stream(container: InputContainer, kind: Literal["video", "audio"]) -> Stream | None:
    """The first stream of a kind that can be decoded. Cover art is a picture beside the video, not a video."""
    for stream in container.streams:
        usable = stream.type == kind and isinstance(stream.codec_context, CodecContext)
        if usable and not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def decoded(packets: Iterator[Packet], decode: Callable[[Packet], Iterable[Frame]]) -> Iterator[Frame]:
    """What can be decoded: a damaged packet costs its own frames, a damaged end ends the stream."""
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, OSError):
            return
        if packet is None:
            return
        try:
            yield from decode(packet)
        except (av.FFmpegError, ValueError):
            continue
