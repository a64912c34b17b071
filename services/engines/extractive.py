"""The local language engine: it picks and arranges the speaker's own sentences, and says so."""

from __future__ import annotations

from services.engines.analysis import analyze_transcript
from services.engines.posts import write_drafts
from services.engines.protocol import Answer
from services.outputs import AnalysisOutput, PostsOutput, TranscriptOutput


class LocalLanguage:
    """Without state, so that many threads may share it."""

    name = "local"
    model = "extractive-1"
    prompt_version = None
    method = "extractive"

    def analyze(self, transcript: TranscriptOutput) -> Answer[AnalysisOutput]:
        """See LanguageEngine."""
        output = analyze_transcript(transcript, engine=self.name, method=self.method)
        return Answer(output=output, unit="characters", quantity=_characters(transcript))

    def write_posts(self, title: str, transcript: TranscriptOutput, analysis: AnalysisOutput) -> Answer[PostsOutput]:
        """See LanguageEngine."""
        output = write_drafts(title, transcript, analysis, engine=self.name, method=self.method)
        return Answer(output=output, unit="characters", quantity=_characters(transcript))


def _characters(transcript: TranscriptOutput) -> int:
    return sum(len(segment.text) for segment in transcript.segments)
