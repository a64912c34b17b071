"""Builds sample/sample.mp4: old words read aloud, with moving pictures. sample/README.md says where all comes from.

    python -m sample.build SOURCES

SOURCES is the folder that the packages named in sample/README.md were unpacked into.
"""

from __future__ import annotations

import argparse
import subprocess
import wave
from functools import cache
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray

from sample.drawing import HEIGHT, WIDTH, Canvas
from sample.scenes import SCENES, Scene

FRAME_RATE = 25
SAMPLE_RATE = 44_100
LOUDNESS = 0.07  # root mean square that every recording is brought to, of a full scale of 1
FONTS = "debian/usr/share/fonts/truetype/ebgaramond"
TARGET = Path(__file__).parent / "sample.mp4"

Sound = NDArray[np.float32]


@cache
def recording(file: Path) -> Sound:
    """A whole recording as one channel at SAMPLE_RATE, as loud as the others."""
    command = [
        get_ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        str(file),
        "-f",
        "f32le",
        "-ac",
        "1",
        "-ar",
        str(SAMPLE_RATE),
        "-",
    ]
    sound = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, dtype=np.float32)
    return sound * np.float32(LOUDNESS / np.sqrt(np.mean(np.square(sound))))


def scene_sound(sources: Path, scene: Scene) -> Sound:
    """What is heard in a scene, with the pause after it, lengthened to whole frames."""
    parts = [
        recording(sources / clip.file)[round(clip.start * SAMPLE_RATE) : round(clip.end * SAMPLE_RATE)]
        for clip in scene.clips
    ]
    samples = sum(map(len, parts)) + round(scene.pause * SAMPLE_RATE)
    samples_a_frame = SAMPLE_RATE // FRAME_RATE
    sound = np.zeros(samples + -samples % samples_a_frame, dtype=np.float32)
    spoken = np.concatenate(parts)
    sound[: len(spoken)] = spoken
    return sound


def write_sound(target: Path, sounds: list[Sound]) -> None:
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(np.concatenate(sounds), -1, 1) * 32_767).astype("<i2").tobytes())


def encoder(sound: Path, target: Path) -> list[str]:
    """The command that takes raw frames on its standard input."""
    picture = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FRAME_RATE), "-i", "pipe:0"]
    quality = ["-preset", "slow", "-crf", "25", "-tune", "animation", "-pix_fmt", "yuv420p", "-g", "250"]
    audio = ["-c:a", "aac", "-b:a", "64k", "-ac", "1"]
    about = ["-map_metadata", "-1", "-metadata", "title=Words That Lasted", "-movflags", "+faststart"]
    coding = ["-c:v", "libx264", *quality, *audio, *about]
    return [get_ffmpeg_exe(), "-v", "error", "-y", *picture, "-i", str(sound), *coding, str(target)]


def build(sources: Path, target: Path) -> None:
    sounds = [scene_sound(sources, scene) for scene in SCENES]
    sound_file = target.with_suffix(".wav")
    write_sound(sound_file, sounds)
    process = subprocess.Popen(encoder(sound_file, target), stdin=subprocess.PIPE)
    for scene, sound in zip(SCENES, sounds, strict=True):
        for frame in range(len(sound) * FRAME_RATE // SAMPLE_RATE):
            canvas = Canvas(sources / FONTS, scene.background)
            scene.draw(canvas, frame / FRAME_RATE)
            if process.stdin is not None:
                process.stdin.write(canvas.finished().tobytes())
    process.communicate()
    sound_file.unlink()
    if process.returncode != 0:
        raise SystemExit("The video could not be encoded.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    build(parser.parse_args().sources, TARGET)
