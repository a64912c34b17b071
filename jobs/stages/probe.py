"""The first stage: what the file is, and which later stages make no sense for it."""

from __future__ import annotations

import structlog

from jobs.contract import StageContext, StageResult
from services.media.probing import probe
from services.model import StageName
from services.outputs import ProbeOutput

log = structlog.get_logger()

WITHOUT_SOUND = {
    StageName.TRANSCRIBE: "The video has no sound, so there is nothing to transcribe.",
    StageName.ANALYZE: "The video has no sound, so there are no words to analyse.",
    StageName.CLIPS: "The video has no sound, so no passage can be chosen by what is said.",
    StageName.POSTS: "The video has no sound, so there are no words to write posts from.",
}
WITHOUT_PICTURE = {
    StageName.THUMBNAILS: "The recording has no picture to make thumbnails from.",
    StageName.CLIPS: "The recording has no picture to make clips from.",
}


def run(context: StageContext) -> StageResult:
    """Probes the source. Raises PermanentFailure where it is nothing that Backlot takes."""
    context.report(0, "Looking at the file")
    output = probe(context.source)
    log.info("source_probed", container=output.container, duration=output.duration, bad_packets=output.bad_packets)
    context.report(100, "Looked at the file")
    return StageResult(output=output, skips=skips(output))


def skips(output: ProbeOutput) -> dict[StageName, str]:
    """The stages that make no sense for this file, each with its reason."""
    without_sound = {} if output.has_sound else WITHOUT_SOUND
    without_picture = {} if output.has_picture else WITHOUT_PICTURE
    return {**without_sound, **without_picture}
