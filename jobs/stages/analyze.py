"""The stage that finds out what a video says: summary, chapters, keywords, quotes, highlights, mood."""

from __future__ import annotations

from jobs.contract import StageContext, StageResult
from jobs.stages.lineage import engine_call
from services.engines.extractive import LocalLanguage
from services.engines.protocol import LanguageEngine
from services.model import StageName
from services.outputs import TranscriptOutput

NO_HIGHLIGHT = "There is no passage of 15 to 60 seconds to cut."


def run(context: StageContext, *, engine: LanguageEngine | None = None) -> StageResult:
    """An AnalysisOutput of the recorded transcript; without any highlight, clips are skipped.

    Raises JobCancelled, TransientFailure or PermanentFailure.
    """
    language = engine or LocalLanguage()
    transcript = context.recorded(StageName.TRANSCRIBE, TranscriptOutput)
    context.report(0.0, "Analyzing what is said")
    answer = language.analyze(transcript)
    context.report(100.0, "Analyzed what is said")
    skips = {} if answer.output.highlights else {StageName.CLIPS: NO_HIGHLIGHT}
    return StageResult(output=answer.output, skips=skips, calls=(engine_call(language, answer),))
