"""Clips: one ffmpeg process decodes a passage once and writes it in several shapes, captions burned in."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import structlog

from services.errors import PermanentFailure, TransientFailure
from services.media.source import FORMATS, MOST_PIXELS

log = structlog.get_logger()

FONTS = Path(__file__).parent / "fonts"
SAME_SHAPE = 0.02  # relative difference of two aspect ratios that is stretched away rather than padded
BLUR_SCALE = 20  # the background is blurred at a twentieth of its size, where it costs nothing
MOST_FRAMES_PER_SECOND = 30.0  # of a clip: what the networks show
PULSE_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One file to be written into the workspace. captions names an ASS file there. Sizes are even pixels."""

    name: str
    width: int
    height: int
    captions: str | None = None


@dataclass(frozen=True, kw_only=True)
class Passage:
    """What is rendered: times in seconds of the video; width and height as shown."""

    source: Path
    start: float
    end: float
    width: int
    height: int
    frame_rate: float
    has_sound: bool


def render(passage: Passage, shapes: Sequence[Shape], workspace: Path, *, pulse: Callable[[float], None]) -> None:
    """Writes one MP4 for each shape.

    pulse is called with the fraction done four times a second; what it raises kills ffmpeg at once and goes on.
    ffmpeg stays in the caller's process group, gets no environment and may open nothing but files.
    Raises PermanentFailure where ffmpeg cannot do it and TransientFailure where it was killed or the disk is full.
    """
    fonts = workspace / "fonts"  # a name without marks that a filter graph would have to escape
    if not fonts.exists():
        fonts.symlink_to(FONTS, target_is_directory=True)
    errors = workspace / "ffmpeg.log"
    with errors.open("wb") as error_file:
        process = subprocess.Popen(
            command(passage, shapes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=error_file,
            cwd=workspace,
            env={"HOME": str(workspace), "PATH": os.defpath},
        )
        try:
            _follow(process, passage.end - passage.start, pulse)
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()  # a plain end would still finish the file
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
    if code == 0:
        return
    said = errors.read_text(errors="replace")[-2000:]
    log.warning("render_failed", code=code, said=said)
    if "No space left" in said:
        raise TransientFailure("The disk of the worker is full: the clip is rendered again once there is room.")
    if code < 0:
        raise TransientFailure("Rendering a clip was interrupted; it is tried again.")
    raise PermanentFailure(
        "A clip could not be rendered from this file. Please export the video again as MP4 (H.264 and AAC)."
    )


def _follow(process: subprocess.Popen[bytes], length: float, pulse: Callable[[float], None]) -> None:
    """Reads the progress lines until ffmpeg closes them, and pulses also while it says nothing."""
    assert process.stdout is not None  # noqa: S101 - opened as a pipe
    done, unread = 0.0, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(PULSE_SECONDS):
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    return
                *lines, unread = (unread + data).split(b"\n")
                for line in lines:
                    key, _, value = line.partition(b"=")
                    if key == b"out_time_us" and value.strip().isdigit():
                        done = max(done, min(1.0, int(value) / 1_000_000 / length))  # the shapes take turns
            pulse(done)


def command(passage: Passage, shapes: Sequence[Shape]) -> list[str]:
    """The ffmpeg call. Each codec has one thread: one worker runs on each core."""
    length = f"{passage.end - passage.start:.6f}"
    arguments = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
    arguments += ["-progress", "pipe:1", "-stats_period", str(PULSE_SECONDS), "-filter_complex_threads", "1"]
    arguments += ["-protocol_whitelist", "file,pipe", "-format_whitelist", FORMATS, "-max_pixels", str(MOST_PIXELS)]
    arguments += ["-threads", "1", "-ss", f"{passage.start:.6f}", "-t", length]
    arguments += ["-i", f"file:{passage.source.resolve()}", "-filter_complex", graph(passage, shapes)]
    for number, shape in enumerate(shapes):
        arguments += ["-map", f"[out{number}]"]
        if passage.has_sound:
            arguments += ["-map", "0:a:0", "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000"]
        arguments += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-threads", "1", "-pix_fmt", "yuv420p"]
        arguments += ["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-movflags", "+faststart"]
        # The length again: where size or colours change in the middle (a recorded call does that), ffmpeg builds the
        # graph anew, and its cut to the length above begins anew with it.
        arguments += ["-t", length, "-f", "mp4", shape.name]
    return arguments


def graph(passage: Passage, shapes: Sequence[Shape]) -> str:
    """The filter graph: one decode, split into the shapes, each scaled or padded, then captioned."""
    frame_rate = min(passage.frame_rate, MOST_FRAMES_PER_SECOND)
    parts = [f"[0:V:0]fps={frame_rate:.5f},split={len(shapes)}" + "".join(f"[in{n}]" for n in range(len(shapes)))]
    for number, shape in enumerate(shapes):
        burn = f",ass={shape.captions}:fontsdir=fonts" if shape.captions else ""
        parts.append(_fitted(passage, shape, number) + f",setsar=1,format=yuv420p{burn}[out{number}]")
    return ";".join(parts)


def _fitted(passage: Passage, shape: Shape, number: int) -> str:
    """The whole picture inside the shape, on a blurred and darkened copy of itself where the two differ.

    No centre crop: nothing here can tell where the speaker is, and a crop would cut off slides and faces.
    """
    given, wanted = passage.width / passage.height, shape.width / shape.height
    if abs(given / wanted - 1) <= SAME_SHAPE:
        return f"[in{number}]scale={shape.width}:{shape.height}"
    width, height = even(min(shape.width, shape.height * given)), even(min(shape.height, shape.width / given))
    small_width, small_height = even(shape.width / BLUR_SCALE), even(shape.height / BLUR_SCALE)
    return (
        f"[in{number}]scale={width}:{height},setsar=1,split[front{number}][copy{number}];"
        f"[copy{number}]scale={small_width}:{small_height}:force_original_aspect_ratio=increase:flags=area,"
        f"crop={small_width}:{small_height},gblur=sigma=2,eq=brightness=-0.12,"
        f"scale={shape.width}:{shape.height}:flags=bilinear,setsar=1[back{number}];"
        f"[back{number}][front{number}]overlay=(W-w)/2:(H-h)/2"
    )


def even(pixels: float) -> int:
    """The nearest even number of pixels, at least two: what 4:2:0 pictures need."""
    return max(2, round(pixels / 2) * 2)
