"""Which sentences carry a text: TextRank (Mihalcea and Tarau 2004) and MMR (Carbonell and Goldstein 1998)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.engines.sentences import Sentence
from services.engines.vocabulary import Matrix, terms_of, weigh

Ranks = NDArray[np.float32]

DAMPING = 0.85
ITERATIONS = 30
RELEVANCE = 0.7  # MMR: this much relevance, the rest novelty
MOST_RANKED = 1_200  # sentences compared with each other; of more, the richest in terms
SHORTEST_WORDS = 6
LONGEST_WORDS = 60
DANGLING = re.compile(
    r"^(and|but|so|or|because|then|also|he|she|it|they|this|that|these|those|which|who|unless|not)\b", re.IGNORECASE
)


def rank(sentences: Sequence[Sentence]) -> Ranks:
    """How central each sentence is, 0 to 1, shape (sentences,); the most central one has 1."""
    ranks = np.zeros(len(sentences), dtype=np.float32)
    if not sentences:
        return ranks
    richness = np.array([len(set(terms_of(sentence.text))) for sentence in sentences])
    chosen = np.sort(np.argsort(-richness, kind="stable")[:MOST_RANKED])
    vectors = weigh([sentences[position].text for position in chosen])
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, 0.0)
    totals = similarity.sum(axis=1, keepdims=True)
    moves = np.divide(similarity, totals, out=np.zeros_like(similarity), where=totals > 0)
    scores = np.full(len(chosen), 1.0 / len(chosen), dtype=np.float32)
    for _ in range(ITERATIONS):
        scores = (1.0 - DAMPING) / len(chosen) + DAMPING * (moves.T @ scores)
    ranks[chosen] = scores / max(float(scores.max()), 1e-9)
    return ranks


def stands_alone(sentence: Sentence) -> bool:
    """Whether it can be read without the one before it: whole, sure, of a usual length, with no dangling start."""
    return (
        sentence.whole
        and not sentence.unsure
        and SHORTEST_WORDS <= len(sentence.words) <= LONGEST_WORDS
        and not DANGLING.match(sentence.text)
    )


def summarize(sentences: Sequence[Sentence], ranks: Ranks, *, lines: int) -> tuple[Sentence, ...]:
    """At most `lines` sentences, in order of time: central ones that do not repeat each other."""
    usable = [position for position, sentence in enumerate(sentences) if stands_alone(sentence)]
    if len(usable) < lines:
        usable = [position for position, sentence in enumerate(sentences) if not sentence.unsure]
    candidates = sorted(usable, key=lambda position: -ranks[position])[: 10 * lines]
    vectors = weigh([sentences[position].text for position in candidates])
    picked = _diverse([float(ranks[position]) for position in candidates], vectors, lines)
    return tuple(sentences[position] for position in sorted(candidates[pick] for pick in picked))


def _diverse(relevance: Sequence[float], vectors: Matrix, count: int) -> list[int]:
    picked: list[int] = []
    while len(picked) < min(count, len(relevance)):
        rest = [position for position in range(len(relevance)) if position not in picked]
        likeness = (vectors[rest] @ vectors[picked].T).max(axis=1) if picked else np.zeros(len(rest))
        gains = [RELEVANCE * relevance[r] - (1 - RELEVANCE) * likeness[i] for i, r in enumerate(rest)]
        picked.append(rest[int(np.argmax(gains))])
    return picked
