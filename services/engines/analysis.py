"""Everything the local engine finds in a transcript. Extractive: it quotes the speaker and writes nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

from services.engines.chapters import chapters_of
from services.engines.highlights import highlights_of, judge
from services.engines.keywords import keywords_of
from services.engines.sentences import Sentence, sentences_of
from services.engines.sentiment import mood_of, sentiment_of
from services.engines.spoken_language import language_of
from services.engines.summary import Ranks, rank, stands_alone, summarize
from services.outputs import AnalysisOutput, Factor, Quote, TranscriptOutput

FEWEST_SUMMARY_LINES = 3
MOST_SUMMARY_LINES = 8
SUMMARY_LINES_A_MINUTE = 0.5
MOST_QUOTES = 5
LONGEST_QUOTE_WORDS = 30


def analyze_transcript(transcript: TranscriptOutput, *, engine: str, method: str) -> AnalysisOutput:
    """A pure function of the transcript; the mood is left out where the language is not English."""
    sentences = sentences_of(transcript)
    text = " ".join(sentence.text for sentence in sentences)
    language = language_of(text, otherwise=transcript.language)
    ranks = rank(sentences)
    is_english = language == "en"
    moods = [mood_of(sentence.text) if is_english else 0.0 for sentence in sentences]
    lines = round(FEWEST_SUMMARY_LINES + SUMMARY_LINES_A_MINUTE * transcript.duration / 60)
    summary = summarize(sentences, ranks, lines=min(lines, MOST_SUMMARY_LINES))
    return AnalysisOutput(
        language=language,
        summary=tuple(sentence.text for sentence in summary),
        chapters=chapters_of(sentences, ranks, duration=transcript.duration),
        keywords=keywords_of(text, language=language),
        quotes=_quotes(sentences, ranks, moods),
        highlights=highlights_of(sentences, ranks, moods),
        sentiment=sentiment_of(sentences, moods) if is_english else None,
        engine=engine,
        method=method,
    )


def score_passages(
    transcript: TranscriptOutput, passages: Sequence[tuple[float, float]]
) -> list[tuple[float, tuple[Factor, ...]] | None]:
    """Score and factors of passages (start, end in seconds) as highlights get them; None for one without a word."""
    sentences = sentences_of(transcript)
    text = " ".join(sentence.text for sentence in sentences)
    is_english = language_of(text, otherwise=transcript.language) == "en"
    ranks = rank(sentences)
    moods = [mood_of(sentence.text) if is_english else 0.0 for sentence in sentences]
    return [judge(sentences, ranks, moods, start=start, end=end) for start, end in passages]


def _quotes(sentences: Sequence[Sentence], ranks: Ranks, moods: Sequence[float]) -> tuple[Quote, ...]:
    """Sentences worth repeating, in order of time: they stand alone, are central, and say it with feeling."""
    worth = {
        position: float(ranks[position]) + abs(moods[position])
        for position, sentence in enumerate(sentences)
        if stands_alone(sentence) and len(sentence.words) <= LONGEST_QUOTE_WORDS
    }
    best = sorted(worth, key=lambda position: -worth[position])[:MOST_QUOTES]
    return tuple(
        Quote(start=sentences[position].start, end=sentences[position].end, text=sentences[position].text)
        for position in sorted(best)
    )
