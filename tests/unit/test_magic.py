"""The door: what is taken and what is turned away, by its first bytes."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

from services.media.magic import HEAD, is_media, why_not
from services.media.source import FORMATS

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=1", "-pix_fmt", "yuv420p")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1")
# A file of each kind that the probe opens: ffmpeg's name of the container, and what goes into it.
MADE = {
    "mov": (*PICTURE, "-c:v", "libx264"),
    "mp4": (*PICTURE, "-c:v", "libx264"),
    "m4a": (*SOUND, "-c:a", "aac", "-f", "ipod"),
    "3gp": (*PICTURE, "-c:v", "libx264"),
    "3g2": (*PICTURE, "-c:v", "libx264"),
    "mj2": (*PICTURE, "-c:v", "jpeg2000", "-f", "mp4"),
    "matroska": (*PICTURE, "-c:v", "libx264"),
    "webm": (*PICTURE, "-c:v", "libvpx"),
    "avi": (*PICTURE, "-c:v", "mpeg4"),
    "mpegts": (*PICTURE, "-c:v", "libx264"),
    "mpeg": (*PICTURE, "-c:v", "mpeg2video"),
    "flv": (*PICTURE, "-c:v", "flv"),
    "asf": (*PICTURE, "-c:v", "msmpeg4v3"),
    "ogg": (*SOUND, "-c:a", "libvorbis"),
    "wav": (*SOUND,),
    "mp3": (*SOUND, "-c:a", "libmp3lame"),
    "flac": (*SOUND,),
    "aac": (*SOUND, "-c:a", "aac", "-f", "adts"),
}


def made(name: str, target: Path, *more: str) -> bytes:
    what = (*MADE[name], *more)
    form = () if "-f" in MADE[name][-2:] else ("-f", name)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", *what, *form, str(target)]
    subprocess.run(command, check=True, timeout=60)
    return target.read_bytes()[:HEAD]


def test_every_format_of_the_probe_is_tried_below() -> None:
    assert set(FORMATS.split(",")) == set(MADE)


@pytest.mark.parametrize("name", MADE)
def test_what_the_probe_opens_comes_in(tmp_path: Path, name: str) -> None:
    assert why_not(made(name, tmp_path / "film")) is None


def test_sound_without_tags_or_behind_padding_comes_in(tmp_path: Path) -> None:
    for name in ("mp3", "aac"):
        bare = (
            made(name, tmp_path / "sound", "-id3v2_version", "0", "-write_xing", "0")
            if name == "mp3"
            else made(name, tmp_path / "sound")
        )
        assert bare[0] == 0xFF
        assert is_media(bare)
        assert is_media(bytes(700) + bare)
    assert not is_media(bare[:5])  # the header alone is no proof


def test_a_stream_that_begins_within_a_packet_comes_in(tmp_path: Path) -> None:
    assert is_media(made("mpegts", tmp_path / "film")[100:])


def test_packets_with_time_stamps_come_in(tmp_path: Path) -> None:
    assert is_media(made("mpegts", tmp_path / "film", "-mpegts_m2ts_mode", "1"))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"%PDF-1.7 ...", "This is a PDF document."),
        (b"PK\x03\x04rest", "ZIP archive or an office document"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(500), "JPEG picture"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00", "photo (HEIC"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "WebP picture"),
        (b"FORM\x00\x00\x00\x00AIFFCOMM", "AIFF sound file"),
        (b"GIF89a", "GIF picture"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML><html>", "web page"),
        (b"#EXTM3U\n", "playlist"),
        (b"ffconcat version 1.0\n", "list that names other files"),
        (b"Dear team, here is my video.\n" * 50, "text file"),
        (b"RIFF\x10\x00\x00\x00sfbkLIST", "neither a video nor a sound recording"),
        (b"\x00\x01\x02\x03", "neither a video nor a sound recording"),
        (b"", "neither a video nor a sound recording"),
    ],
)
def test_what_is_no_film_is_named(head: bytes, says: str) -> None:
    reason = why_not(head)
    assert reason is not None
    assert says in reason
    assert "Please choose a video" in reason


def test_noise_is_not_taken() -> None:
    taken = sum(is_media(random.Random(seed).randbytes(HEAD)) for seed in range(40))
    assert taken == 0
