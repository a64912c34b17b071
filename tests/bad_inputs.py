"""Files that a stranger may upload to do harm, or by mistake: each with its maker and what Backlot must answer.

BAD_INPUTS[name].make(path) writes one. The sources they are cut from are made once per process, in about a second.
"""

from __future__ import annotations

import functools
import random
import struct
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imageio_ffmpeg

UNREADABLE = "is not a video or a sound recording that Backlot can read"


@dataclass(frozen=True, kw_only=True)
class BadInput:
    """How a file is made and what the probe must answer.

    expected: refused with a message that holds says; partial with a partial_reason that holds says; or usable.
    """

    make: Callable[[Path], None]
    expected: Literal["refused", "partial", "usable"]
    says: str = ""


def ffmpeg(*arguments: str) -> None:
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", *arguments], check=True, timeout=60
    )


@functools.cache
def _sources() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="backlot-bad-inputs-")


@functools.cache
def talk() -> Path:
    """A sound file to damage: 30 s, 320 by 180, H.264 and AAC, its table of contents in front."""
    path = Path(_sources().name) / "talk.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=30", "-f", "lavfi"),
        *("-i", "sine=frequency=440:duration=30", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-g", "50", "-c:a", "aac", "-movflags", "+faststart", str(path)),
    )
    return path


def _empty(path: Path) -> None:
    path.touch()


def _text(content: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(content)

    return write


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("video.mp4", talk().read_bytes()[:10_000])


def _random(path: Path) -> None:
    path.write_bytes(random.Random(7).randbytes(100_000))


def _truncated(path: Path) -> None:
    data = talk().read_bytes()
    path.write_bytes(data[: len(data) * 2 // 5])


def _missing_moov(path: Path) -> None:
    """A recording that was cut off: the media is there, its table of contents would have come last."""
    data = talk().read_bytes()
    start, size = _box(data, b"moov")
    path.write_bytes(data[:start] + data[start + size :])


def _bit_rotted(path: Path) -> None:
    data = bytearray(talk().read_bytes())
    start, size = _box(bytes(data), b"mdat")
    generator = random.Random(7)
    for _ in range(400):
        data[start + 5_000 + generator.randrange(size - 5_000)] = generator.randrange(256)
    path.write_bytes(data)


def _box(data: bytes, name: bytes) -> tuple[int, int]:
    """Offset and size of a top-level box of an MP4."""
    offset = 0
    while offset < len(data):
        size, kind = struct.unpack_from(">I4s", data, offset)
        if kind == name:
            return offset, size
        offset += size
    raise ValueError(f"no box {name!r}")


def _huge_picture(path: Path) -> None:
    """A small file whose header announces 16,000 by 9,000 pixels, in the track and in the sample description."""
    data = bytearray(talk().read_bytes())
    sample_entry = data.index(b"avc1", data.index(b"stsd"))
    struct.pack_into(">HH", data, sample_entry + 4 + 24, 16_000, 9_000)
    track_header = data.index(b"tkhd")
    struct.pack_into(">II", data, track_header + 4 + 76, 16_000 << 16, 9_000 << 16)
    path.write_bytes(data)


def _huge_decoded_picture(path: Path) -> None:
    """Truly 16,000 by 9,000: a PNG in a MOV, small on disk and 144 MB once decoded."""
    source = ("-f", "lavfi", "-i", "color=black:size=16000x9000:rate=1,format=gray")
    ffmpeg(*source, "-frames:v", "1", "-c:v", "png", "-compression_level", "1", "-f", "mov", str(path))


def _gif(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=5:duration=2", "-f", "gif", str(path))


def _forty_streams(path: Path) -> None:
    ffmpeg("-i", str(talk()), "-t", "1", *("-map", "0:a") * 40, "-c", "copy", "-f", "mp4", str(path))


def _thousand_frames_a_second(path: Path) -> None:
    source = "testsrc2=size=160x90:rate=1000:duration=2"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-f", "mp4", str(path))


def _eight_hours(path: Path) -> None:
    """A header that announces eight hours over one second of pictures, each shown for 20 minutes."""
    source = "testsrc2=size=160x90:rate=1/1200:duration=28800"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-f", "mp4", str(path))


def _playlist(target: str) -> Callable[[Path], None]:
    return _text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n")


def _concat_list(target: str) -> Callable[[Path], None]:
    return _text(f"ffconcat version 1.0\nfile '{target}'\n")


def _playlist_of_another_user(path: Path) -> None:
    _playlist(str(talk()))(path)


def _concat_of_another_user(path: Path) -> None:
    _concat_list(str(talk()))(path)


def network_traps(port: int) -> Mapping[str, BadInput]:
    """Files that would make a careless reader connect to a port of this machine."""
    address = f"http://127.0.0.1:{port}/secret.ts"
    return {
        "playlist_of_a_port": BadInput(make=_playlist(address), expected="refused", says="is a playlist"),
        "concat_of_a_port": BadInput(make=_concat_list(address), expected="refused", says="is a list"),
        "concat_of_a_raw_port": BadInput(
            make=_concat_list(f"tcp://127.0.0.1:{port}"), expected="refused", says="is a list"
        ),
    }


BAD_INPUTS: Mapping[str, BadInput] = {
    "empty": BadInput(make=_empty, expected="refused", says="is empty"),
    "html": BadInput(
        make=_text("<!DOCTYPE html><html><body>404</body></html>"), expected="refused", says="is a web page"
    ),
    "text": BadInput(make=_text("Dear team, here is my video.\n" * 50), expected="refused", says=UNREADABLE),
    "random": BadInput(make=_random, expected="refused", says=UNREADABLE),
    "zip": BadInput(make=_zip, expected="refused", says="is a ZIP archive"),
    "playlist_of_another_user": BadInput(make=_playlist_of_another_user, expected="refused", says="is a playlist"),
    "concat_of_another_user": BadInput(make=_concat_of_another_user, expected="refused", says="is a list"),
    "missing_moov": BadInput(make=_missing_moov, expected="refused", says="table of contents is missing"),
    "truncated": BadInput(make=_truncated, expected="partial", says="the rest is missing"),
    "bit_rotted": BadInput(make=_bit_rotted, expected="usable"),
    "huge_picture": BadInput(make=_huge_picture, expected="refused", says="16000 by 9000"),
    "huge_decoded_picture": BadInput(make=_huge_decoded_picture, expected="refused", says="16000 by 9000"),
    "gif": BadInput(make=_gif, expected="refused", says="is a GIF"),
    "forty_streams": BadInput(make=_forty_streams, expected="refused", says="40 tracks"),
    "thousand_frames_a_second": BadInput(
        make=_thousand_frames_a_second, expected="refused", says="1,000 frames a second"
    ),
    "eight_hours": BadInput(make=_eight_hours, expected="refused", says="8:00:00"),
}
