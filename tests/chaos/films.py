"""A film for the pipelines that are real from the first byte to the last clip."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

SECONDS = 12


def talking(sample: Path, target: Path) -> Path:
    """The sample's first sentences in a small picture: every stage has something to do, and is soon done."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", "-t", str(SECONDS)]
    small = ["-vf", "scale=320:180", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]
    subprocess.run([*command, "-i", str(sample), *small, str(target)], check=True)
    return target
