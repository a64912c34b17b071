"""Builds sample/sample.mp4: a public-domain reading with moving pictures. sample/README.md says where both come from.

    python -m sample.build READINGS FONTS

READINGS is a folder with LJ001-0001.wav to LJ001-0015.wav, FONTS one with EB Garamond's TrueType files.
"""

from __future__ import annotations

import argparse
import subprocess
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sample.drawing import HEIGHT, WIDTH, Canvas
from sample.scenes import SCENES, Scene

FRAME_RATE = 25
SAMPLE_RATE = 22_050
PAUSES = {2: 0.6, 5: 0.6, 8: 0.6, 9: 0.6, 13: 0.6, 15: 1.4}  # seconds after the readings that end a sentence
PAUSE = 0.12
TARGET = Path(__file__).parent / "sample.mp4"

Sound = NDArray[np.int16]


def read_clip(readings: Path, number: int) -> Sound:
    """One reading with the pause after it, lengthened to whole frames."""
    with wave.open(str(readings / f"LJ001-{number:04}.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    samples_a_frame = SAMPLE_RATE // FRAME_RATE
    pause = int(PAUSES.get(number, PAUSE) * SAMPLE_RATE)
    silence = pause + -(len(samples) + pause) % samples_a_frame
    return np.concatenate((samples, np.zeros(silence, dtype=np.int16)))


def scene_sound(readings: Path, scene: Scene) -> Sound:
    return np.concatenate([read_clip(readings, number) for number in scene.clips])


def write_sound(target: Path, sounds: list[Sound]) -> None:
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.concatenate(sounds).tobytes())


def encoder(sound: Path, target: Path) -> list[str]:
    """The command that takes raw frames on its standard input."""
    from imageio_ffmpeg import get_ffmpeg_exe

    picture = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FRAME_RATE), "-i", "pipe:0"]
    video = [
        "-c:v",
        "libx264",
        "-preset",
        "slow",
        "-crf",
        "25",
        "-tune",
        "animation",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "250",
    ]
    audio = ["-c:a", "aac", "-b:a", "64k", "-ar", "44100", "-ac", "1"]
    about = ["-map_metadata", "-1", "-metadata", "title=The Art of Printing", "-movflags", "+faststart"]
    return [get_ffmpeg_exe(), "-v", "error", "-y", *picture, "-i", str(sound), *video, *audio, *about, str(target)]


def build(readings: Path, fonts: Path, target: Path) -> None:
    sounds = [scene_sound(readings, scene) for scene in SCENES]
    sound_file = target.with_suffix(".wav")
    write_sound(sound_file, sounds)
    process = subprocess.Popen(encoder(sound_file, target), stdin=subprocess.PIPE)
    for scene, sound in zip(SCENES, sounds, strict=True):
        for frame in range(len(sound) * FRAME_RATE // SAMPLE_RATE):
            canvas = Canvas(fonts, scene.background)
            scene.draw(canvas, frame / FRAME_RATE)
            if process.stdin is not None:
                process.stdin.write(canvas.finished().tobytes())
    process.communicate()
    sound_file.unlink()
    if process.returncode != 0:
        raise SystemExit("The video could not be encoded.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readings", type=Path)
    parser.add_argument("fonts", type=Path)
    arguments = parser.parse_args()
    build(arguments.readings, arguments.fonts, TARGET)
