"""Runs a real worker whose stages do what the video's title says: `python -m tests.virtual_worker media|ai`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import ModuleType

from jobs.contract import StageContext, StageResult
from services.errors import PermanentFailure, TransientFailure
from services.model import StageName
from services.outputs import (
    AnalysisOutput,
    ClipsOutput,
    Output,
    PostsOutput,
    ProbeOutput,
    ThumbnailsOutput,
    TranscriptOutput,
)
from services.settings import Settings

OUTPUTS: dict[StageName, Output] = {
    StageName.PROBE: ProbeOutput(container="mp4", duration=1, size_bytes=1, has_picture=True, has_sound=True),
    StageName.TRANSCRIBE: TranscriptOutput(language="en", duration=1, segments=(), engine="virtual", model="virtual"),
    StageName.ANALYZE: AnalysisOutput(
        language="en",
        summary=(),
        chapters=(),
        keywords=(),
        quotes=(),
        highlights=(),
        sentiment=None,
        engine="virtual",
        method="virtual",
    ),
    StageName.THUMBNAILS: ThumbnailsOutput(thumbnails=(), scene_cuts=()),
    StageName.CLIPS: ClipsOutput(clips=()),
    StageName.POSTS: PostsOutput(posts=(), titles=(), hashtags=(), engine="virtual", method="virtual"),
}


def run(context: StageContext) -> StageResult:
    """The title is `WHAT`, `WHAT:SECONDS`, or either after `STAGE=`, for that stage only."""
    title = context.title
    if "=" in title:
        stage, title = title.split("=", 1)
        if stage != context.stage:
            title = "sleep:0"
    what, _, seconds = title.partition(":")
    if what == "sleep":
        until = time.monotonic() + float(seconds)
        while time.monotonic() < until:
            context.report(50, "sleeping")
            time.sleep(0.02)
    elif what == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "stubborn":
        subprocess.Popen(["sleep", "1234"])
        while True:
            time.sleep(1)
    elif what == "memory":
        held = bytearray(os.urandom(1)) * (400 * 2**20)
        time.sleep(30)
        del held
    elif what == "permanent":
        raise PermanentFailure("This cannot work.")
    elif what == "transient":
        raise TransientFailure("Busy.")
    return StageResult(output=OUTPUTS[context.stage])


if __name__ == "__main__":
    for name in StageName:
        module = ModuleType(f"jobs.stages.{name}")
        module.run = run  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
    if sys.argv[1] == "media":
        from jobs.workers.media import main
    else:
        from jobs.workers.ai import main
    main(Settings())
