"""Short videos made for the tests of pictures and clips, each once per process, and a stage context around them."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import av
import numpy
import numpy.typing

from jobs.contract import Report, StageContext
from services.media.probing import probe
from services.model import StageName
from services.outputs import AnalysisOutput, Factor, Highlight, Output, Segment, TranscriptOutput, Word
from tests.bad_inputs import ffmpeg

Picture = numpy.typing.NDArray[numpy.uint8]

SECONDS = 24
SOUND = ("-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}")
ENCODED = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest")


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="backlot-sources-")


def _made(name: str, *arguments: str) -> Path:
    path = Path(_folder().name) / name
    if not path.exists():
        ffmpeg(*arguments, str(path))
    return path


def scenes(width: int = 320, height: int = 180, *, keyframes: int = 25) -> Path:
    """24 s: a scene of another colour every 3 s; black from 3 to 6 s, blurred from 9 to 12 s; a tone beside it.

    keyframes is the largest distance of keyframes in frames, of which there are 25 a second.
    """
    picture = (
        f"testsrc2=size={width}x{height}:rate=25:duration={SECONDS},hue=h='floor(t/3)*45',"
        "drawbox=color=black:t=fill:enable='between(t,3,5.99)',gblur=sigma=12:enable='between(t,9,11.99)'"
    )
    gop = ("-g", str(keyframes), "-sc_threshold", "0")
    name = f"scenes-{width}x{height}-{keyframes}.mp4"
    return _made(name, "-f", "lavfi", "-i", picture, *SOUND, *ENCODED, *gop)


def still() -> Path:
    """8 s in which nothing moves, without sound."""
    picture = "testsrc2=size=320x180:rate=25:duration=8,select='eq(n,0)',loop=loop=199:size=1,setpts=N/25/TB"
    return _made("still.mp4", "-f", "lavfi", "-i", picture, *ENCODED, "-g", "25")


def black() -> Path:
    return _made("black.mp4", "-f", "lavfi", "-i", "color=black:size=320x180:rate=25:duration=4", *ENCODED)


def turned() -> Path:
    """The scenes as a phone that was held upright records them: stored 320 by 180, shown 180 by 320."""
    return _made("turned.mp4", "-display_rotation:v:0", "90", "-i", str(scenes()), "-c", "copy")


def stretched() -> Path:
    """4 s with pixels twice as wide as high: stored 160 by 180, shown 320 by 180."""
    return _made("stretched.mp4", "-i", str(scenes()), "-t", "4", "-vf", "scale=160:180,setsar=2", *ENCODED)


def changing_size() -> Path:
    """8 s as a recorded call has them: after 4 s the picture is twice as large."""
    parts = [
        _made(f"part-{width}.ts", "-i", str(scenes()), "-t", "4", "-vf", f"scale={width}:-2", *ENCODED, "-g", "25")
        for width in (320, 640)
    ]
    return _made("changing-size.ts", "-i", f"concat:{parts[0]}|{parts[1]}", "-c", "copy")


def song_with_cover() -> Path:
    """Sound with a cover picture, as music players carry it."""
    cover = _made("cover.png", "-i", str(scenes()), "-frames:v", "1")
    maps = ("-map", "0:a", "-map", "1:v", "-c:a", "aac", "-c:v", "png", "-disposition:v:0", "attached_pic")
    return _made("song.m4a", "-i", str(scenes()), "-i", str(cover), *maps, "-f", "mp4")


def without_length() -> Path:
    """A WebM-like stream as browsers record it: its header says no length."""
    return _made("without-length.mkv", "-i", str(scenes()), "-c", "copy", "-live", "1")


def late_sound() -> Path:
    """Sound that starts 2 s after the picture."""
    inputs = ("-i", str(scenes()), "-itsoffset", "2", "-i", str(scenes()))
    return _made("late-sound.mp4", *inputs, "-map", "0:v", "-map", "1:a", "-c", "copy")


def broken_sound() -> Path:
    """Sound with a hole from 6 to 9 s that only its timestamps tell of."""
    hole = ("-af", "aselect='lt(t,6)+gt(t,9)'", "-c:v", "copy", "-c:a", "aac")
    return _made("broken-sound.mkv", "-i", str(scenes()), *hole)


def words(text: str, *, start: float = 1.0, spoken: float = 0.3, pause: float = 0.2) -> tuple[Word, ...]:
    """Words one after the other, all of the same length and with the same pause between them."""
    return tuple(
        Word(start=begin, end=begin + spoken, text=word, confidence=0.9)
        for number, word in enumerate(text.split())
        for begin in [start + number * (spoken + pause)]
    )


def highlight(start: float, end: float, *, score: float = 50.0, title: str = "A passage") -> Highlight:
    factors = (Factor(name="hook", value=0.5, reason="It begins with a question."),)
    return Highlight(start=start, end=end, title=title, text="", score=score, factors=factors)


def transcript(spoken: tuple[Word, ...]) -> TranscriptOutput:
    segment = Segment(start=0.0, end=SECONDS, text="", words=spoken)
    return TranscriptOutput(language="en", duration=SECONDS, segments=(segment,), engine="test", model="test")


def analysis(*highlights: Highlight) -> AnalysisOutput:
    return AnalysisOutput(
        language="en",
        summary=(),
        chapters=(),
        keywords=(),
        quotes=(),
        highlights=highlights,
        sentiment=None,
        engine="test",
        method="test",
    )


def context(
    stage: StageName,
    source: Path,
    workspace: Path,
    *,
    outputs: Mapping[StageName, Output] | None = None,
    report: Report = lambda percent, message: None,
) -> StageContext:
    """A stage's context over a real source; the probe's output is made where it is not the probe that runs."""
    known: dict[StageName, Output] = {} if stage is StageName.PROBE else {StageName.PROBE: probe(source)}
    return StageContext(
        job_id=uuid4(),
        video_id=uuid4(),
        stage=stage,
        title="A test",
        find_source=lambda: source,
        make_workspace=lambda: workspace,
        outputs={**known, **(outputs or {})},
        report=report,
    )


def picture_at(path: Path, at: float) -> Picture:
    """The frame that is shown at a time, shape (height, width, 3)."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= at - 0.001:
                return numpy.asarray(frame.to_ndarray(format="rgb24"), dtype=numpy.uint8)
    raise AssertionError(f"{path.name} has no frame at {at} s")
