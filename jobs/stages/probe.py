"""The first stage: what the file is, and which later stages make no sense for it."""

from __future__ import annotations

import structlog

from jobs.contract import StageContext, StageResult
from services.kinds import senseless
from services.media.probing import probe

log = structlog.get_logger()


def run(context: StageContext) -> StageResult:
    """Probes the source. Raises PermanentFailure where it is nothing that Backlot takes."""
    context.report(0, "Looking at the file")
    output = probe(context.source)
    log.info("source_probed", container=output.container, duration=output.duration, bad_packets=output.bad_packets)
    context.report(100, "Looked at the file")
    return StageResult(output=output, skips=senseless(has_sound=output.has_sound, has_picture=output.has_picture))
