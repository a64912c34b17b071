"""The stage that turns the sound of a video into words with times."""

from __future__ import annotations

from jobs.contract import StageContext, StageResult
from jobs.stages.lineage import engine_call
from services.engines.protocol import SpeechEngine
from services.engines.speech import local_speech
from services.engines.wording import clock
from services.media.audio import audio_blocks
from services.model import StageName
from services.outputs import ProbeOutput

NO_SPEECH = "No speech was found."
NEEDS_WORDS = (StageName.ANALYZE, StageName.CLIPS, StageName.POSTS)


def run(context: StageContext, *, engine: SpeechEngine | None = None) -> StageResult:
    """A TranscriptOutput; without any speech, what needs words is skipped.

    Raises JobCancelled, TransientFailure or PermanentFailure.
    """
    speech = engine or local_speech()
    probe = context.outputs.get(StageName.PROBE)
    duration = probe.duration if isinstance(probe, ProbeOutput) else 0.0

    def show(seconds: float) -> None:
        if duration > 0:
            done = min(seconds, duration)
            context.report(100.0 * done / duration, f"Transcribing {clock(done)} of {clock(duration)}")
        else:
            context.report(0.0, f"Transcribing {clock(seconds)}")

    show(0.0)
    answer = speech.transcribe(audio_blocks(context.source), duration=duration, on_progress=show)
    skips = {} if answer.output.segments else dict.fromkeys(NEEDS_WORDS, NO_SPEECH)
    return StageResult(output=answer.output, skips=skips, calls=(engine_call(speech, answer),))
