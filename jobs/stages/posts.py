"""The stage that drafts posts from what a video says."""

from __future__ import annotations

from jobs.contract import StageContext, StageResult
from jobs.stages.lineage import engine_call
from services.engines.extractive import LocalLanguage
from services.engines.protocol import LanguageEngine
from services.model import StageName
from services.outputs import AnalysisOutput, TranscriptOutput


def run(context: StageContext, *, engine: LanguageEngine | None = None) -> StageResult:
    """A PostsOutput of the recorded transcript and analysis.

    Raises JobCancelled, TransientFailure or PermanentFailure.
    """
    language = engine or LocalLanguage()
    transcript = context.recorded(StageName.TRANSCRIBE, TranscriptOutput)
    analysis = context.recorded(StageName.ANALYZE, AnalysisOutput)
    context.report(0.0, "Writing posts")
    answer = language.write_posts(context.title, transcript, analysis)
    context.report(100.0, "Wrote posts")
    return StageResult(output=answer.output, calls=(engine_call(language, answer),))
