"""Opening an uploaded file. Until it is probed it is hostile, so this is the only place that opens one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import av
from av.container import InputContainer
from av.stream import Discard, Stream

from services.errors import PermanentFailure

# Only containers that carry their own media. Playlists (hls, concat, dash) would read other files or open connections,
# and picture formats (gif, png) are not videos.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,wav,mp3,flac,aac"
PROTOCOLS = "file"
MICROSECONDS = 1_000_000  # in a second: the unit of a container's own times


@contextmanager
def open_source(source: Path) -> Iterator[InputContainer]:
    """Opens an uploaded file with the format and protocol whitelists set, and closes it afterwards.

    Raises PermanentFailure where the file is not a video or a recording that Backlot reads.
    """
    try:
        size = source.stat().st_size
    except OSError as error:
        raise PermanentFailure("The uploaded file is not in the storage any more. Please upload it again.") from error
    if size == 0:
        raise PermanentFailure("The file is empty. Please check it on your computer and upload it again.")
    options = {"format_whitelist": FORMATS, "protocol_whitelist": PROTOCOLS}
    try:
        container = av.open(f"file:{source}", container_options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise PermanentFailure(
            "This file is not a video or a sound recording that Backlot can read. "
            "Please upload an MP4, MOV, MKV, WebM or AVI file."
        ) from error
    with container:
        yield container


def time_zero(container: InputContainer) -> float:
    """Seconds on the container's clock at which the video starts: what a player shows as 0:00."""
    return (container.start_time or 0) / MICROSECONDS


def read_only(container: InputContainer, wanted: Stream) -> None:
    """Makes the demuxer pass over every stream but one, so that the others are not even read where it can be helped."""
    for stream in container.streams:
        stream.discard = Discard.default if stream is wanted else Discard.all


def first_stream(container: InputContainer, kind: Literal["video", "audio"]) -> Stream | None:
    """The first stream of a kind that can be decoded. Cover art is a picture beside the video, not a video."""
    for stream in container.streams:
        if stream.type != kind or stream.codec_context is None:
            continue
        if stream.disposition & av.stream.Disposition.attached_pic:
            continue
        return stream
    return None
