"""The mood of English words, by VADER (Hutto and Gilbert 2014): a lexicon made for short social texts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from services.engines.sentences import Sentence
from services.outputs import Sentiment

NEUTRAL = 0.05  # VADER's own bound


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def mood_of(text: str) -> float:
    """From -1, very negative, to 1, very positive."""
    return float(_analyzer().polarity_scores(text)["compound"])


def sentiment_of(sentences: Sequence[Sentence], moods: Sequence[float]) -> Sentiment | None:
    """The mean mood of the sentences, weighted by their words; None without sentences."""
    words = sum(len(sentence.words) for sentence in sentences)
    if not words:
        return None
    mean = sum(len(sentence.words) * mood for sentence, mood in zip(sentences, moods, strict=True)) / words
    label = "positive" if mean >= NEUTRAL else "negative" if mean <= -NEUTRAL else "neutral"
    return Sentiment(label=label, compound=round(mean, 3))
