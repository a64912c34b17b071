"""Videos for benchmarks: a tiny one, and a talk of any length from the sample's speech and generated pictures."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

SAMPLE = Path(__file__).parents[1] / "sample" / "sample.mp4"
SCENE_SECONDS = 20
FRAME_RATE = 25
# One source for each scene; with the noise of a camera they come to 1 to 2 Mbit/s, as recorded talks have.
SCENES = (
    "testsrc2=size=1280x720",
    "gradients=size=1280x720:speed=0.02:seed=7",
    "cellauto=size=320x180:rule=110:seed=5",
    "smptehdbars=size=1280x720",
    "sierpinski=size=640x360:seed=9",
    "zoneplate=size=640x360:kt2=2:kx2=30:ky2=30",
    "rgbtestsrc=size=1280x720",
)
COLOURS = "setsar=1,setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
NOISE = "noise=alls=6:allf=t"


def tiny(target: Path) -> Path:
    """Two seconds of moving picture without sound: it is probed, gets its thumbnails, and is done."""
    _ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2", "-pix_fmt", "yuv420p", str(target))
    return target


def large(folder: Path, *, mib: int) -> Path:
    """A silent 720p film of at least so many MiB that browsers play: ten seconds of noise, over and over."""
    piece = folder / "piece.mp4"
    video = ("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "12M", "-g", "25", "-pix_fmt", "yuv420p")
    look = f"testsrc2=size=1280x720:rate={FRAME_RATE},noise=alls=25:allf=t"
    _ffmpeg("-f", "lavfi", "-i", look, "-t", "10", *video, str(piece))
    times = -(-mib * 1024 * 1024 // piece.stat().st_size)
    target = folder / "large.mp4"
    _ffmpeg("-stream_loop", str(times - 1), "-i", str(piece), "-c", "copy", "-movflags", "+faststart", str(target))
    return target


def talk(folder: Path, *, seconds: float) -> Path:
    """A 720p talk of this length in the folder: a cut every 20 s, the sample's speech over and over."""
    scenes = [_scene(folder / f"scene-{number}.mp4", source, number) for number, source in enumerate(SCENES)]
    listed = [scenes[number % len(scenes)] for number in range(-int(-seconds // SCENE_SECONDS))]
    reel = folder / "scenes.txt"
    reel.write_text("".join(f"file '{scene}'\n" for scene in listed))
    speech = folder / "speech.m4a"
    sound = ("-vn", "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000")
    _ffmpeg("-stream_loop", "-1", "-i", str(SAMPLE), "-t", str(seconds), *sound, str(speech))
    target = folder / "talk.mp4"
    inputs = ("-f", "concat", "-safe", "0", "-i", str(reel), "-i", str(speech))
    _ffmpeg(
        *inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", "-t", str(seconds), "-movflags", "+faststart", str(target)
    )
    return target


def _scene(target: Path, source: str, number: int) -> Path:
    look = f"{source}:rate={FRAME_RATE},scale=1280:720,hue=h={36 * number},{NOISE},format=yuv420p,{COLOURS}"
    video = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "26", "-g", "250", "-video_track_timescale", "12800")
    _ffmpeg("-f", "lavfi", "-i", look, "-t", str(SCENE_SECONDS), *video, str(target))
    return target


def _ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", *arguments]
    subprocess.run(command, check=True)
