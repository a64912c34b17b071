"""The phrases a text is about, by YAKE (Campos and others 2020)."""

from __future__ import annotations

from services.engines.vocabulary import terms_of
from services.outputs import Keyword

MOST_KEYWORDS = 10
LONGEST_PHRASE = 3  # words
MOST_WORDS = 6_000  # of the text; YAKE's time grows with it


def keywords_of(text: str, *, language: str) -> tuple[Keyword, ...]:
    """At most ten phrases, best first; score is 0 to 1, made from YAKE's own, where lower is better."""
    words = text.split()
    if not words:
        return ()
    from yake import KeywordExtractor

    extractor = KeywordExtractor(lan=language, n=LONGEST_PHRASE, dedupLim=0.7, top=3 * MOST_KEYWORDS)
    step = max(1, -(-len(words) // MOST_WORDS))
    found = extractor.extract_keywords(_thin(words, step))
    chosen: list[Keyword] = []
    said: list[set[str]] = []
    for phrase, score in found:
        terms = set(terms_of(phrase))
        if not terms or any(terms <= other or terms >= other for other in said):
            continue
        said.append(terms)
        chosen.append(Keyword(text=str(phrase), score=round(1.0 / (1.0 + max(float(score), 0.0)), 4)))
    return tuple(chosen[:MOST_KEYWORDS])


def _thin(words: list[str], step: int) -> str:
    """Every step-th stretch of 50 words."""
    stretches = [words[start : start + 50] for start in range(0, len(words), 50)]
    return " ".join(" ".join(stretch) for stretch in stretches[::step])
