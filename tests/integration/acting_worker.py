"""Runs a real worker whose stages do what the video's title says: `python -m tests.integration.acting_worker media|ai`.

The title holds `STAGE=WHAT` or `STAGE=WHAT:ARGUMENT`, parted by spaces; a stage that it does not name ends at once. Of
the two stages on the queue ai, analyze is a coroutine and posts a plain function. STAGE_SECONDS in the environment
is how long an attempt may take in this worker.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import imageio_ffmpeg

from jobs.contract import StageContext, StageResult
from services.model import PLAN, StageName
from services.settings import Settings
from tests.virtual_worker import OUTPUTS

LOOK = 0.02  # seconds between two steps of a stage
# Far longer than any test, at the pace of a clock: one that a broken product leaves behind neither stays nor burdens.
LONG_PICTURE = ("-nostdin", "-re", "-f", "lavfi", "-i", "testsrc=size=160x120", "-t", "180", "-f", "null", "-")


def run(context: StageContext) -> StageResult:
    """A plain stage."""
    what, argument = told(context)
    started = time.monotonic()
    if what == "until":
        while not released(argument):
            context.report(50, "waiting")
            time.sleep(LOOK)
    elif what == "steps":
        while (gone := time.monotonic() - started) < float(argument):
            context.report(100 * gone / float(argument), f"at {gone:.1f} s")
            time.sleep(LOOK)
    elif what == "ffmpeg":
        # With no pipe to its parent: one that is left behind would go on, and not end at its next word.
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *LONG_PICTURE], check=True, stderr=subprocess.DEVNULL)
    return StageResult(output=OUTPUTS[context.stage])


async def run_coroutine(context: StageContext) -> StageResult:
    """A coroutine, which reports nothing while it waits: only being cancelled can end it early."""
    what, argument = told(context)
    if what == "until":
        while not released(argument):
            await asyncio.sleep(LOOK)
    elif what == "call":
        reader, writer = await asyncio.open_connection("127.0.0.1", int(argument))
        try:
            writer.write(b"POST / HTTP/1.1\r\nHost: api\r\nContent-Length: 0\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.close()
    return StageResult(output=OUTPUTS[context.stage])


def told(context: StageContext) -> tuple[str, str]:
    """What the title says about this stage, and with which argument."""
    for word in context.title.split():
        stage, _, order = word.partition("=")
        if stage == context.stage:
            what, _, argument = order.partition(":")
            return what, argument
    return "", ""


def released(name: str) -> bool:
    """Whether the test has made the file of this name in the fleet's folder."""
    return (Path(os.environ["BACKLOT_HOME"]) / name).exists()


if __name__ == "__main__":
    for stage_name in StageName:
        module = ModuleType(f"jobs.stages.{stage_name}")
        module.run = run_coroutine if stage_name is StageName.ANALYZE else run  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
        if "STAGE_SECONDS" in os.environ:
            object.__setattr__(PLAN[stage_name], "timeout", float(os.environ["STAGE_SECONDS"]))
    if sys.argv[1] == "media":
        from jobs.workers.media import main
    else:
        from jobs.workers.ai import main
    main(Settings())
