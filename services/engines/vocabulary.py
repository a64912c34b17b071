"""The words that carry meaning, and sentences as vectors of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

LARGEST_VOCABULARY = 4_000
TOKEN = re.compile(r"[^\W\d_][\w'-]*|\d[\d.,]*")
STOP_WORDS_TEXT = """
    a about above actually after again against all almost already also although always am an and another any anyone
    anything are aren't around as at away back be became because become been before being below between both but by
    came can can't cannot come could couldn't did didn't do does doesn't doing don't done down during each either else
    even ever every everyone everything few for from further gave get gets getting give go goes going gone gonna got
    had hadn't has hasn't have haven't having he he'd he'll he's her here here's hers herself him himself his how
    however i i'd i'll i'm i've if in into is isn't it it's its itself just keep kind know let let's like little lot
    made make makes many may maybe me mean might mine more most much must my myself need never next no nor not nothing
    now of off often oh ok okay on once one ones only or other our ours ourselves out over own perhaps put quite rather
    really right said same saw say says see seem seen shall shan't she she's should shouldn't since so some someone
    something soon sort still such sure take taken tell than that that's the their theirs them themselves then there
    there's these they they'd they'll they're they've thing things think this those though through thus to together
    too took toward towards two under until up upon us use used very want wanted was wasn't way we we'd we'll we're
    we've well went were weren't what what's whatever when where whether which while who whole whom whose why will
    with within without won't would wouldn't yeah yes yet you you'd you'll you're you've your yours yourself
"""
STOP_WORDS = frozenset(STOP_WORDS_TEXT.split())


def terms_of(text: str) -> list[str]:
    """The terms of a text, lower case, without stop words, with common English endings taken off."""
    lowered = text.lower().replace("\u2019", "'")
    return [_stem(token) for token in TOKEN.findall(lowered) if len(token) > 1 and token not in STOP_WORDS]


def _stem(token: str) -> str:
    token = token.removesuffix("'s").rstrip("'.,-")
    for ending, shortest in (("ies", 5), ("ing", 6), ("ed", 5), ("es", 6), ("s", 4)):
        if token.endswith(ending) and len(token) >= shortest and not token.endswith("ss"):
            return token[: -len(ending)] + ("y" if ending == "ies" else "")
    return token


def weigh(texts: Sequence[str]) -> Matrix:
    """TF-IDF vectors of length 1, shape (texts, terms); a text without terms is a row of zeros."""
    counted = [Counter(terms_of(text)) for text in texts]
    frequency = Counter(term for counts in counted for term in counts)
    kept = [term for term, _ in frequency.most_common(LARGEST_VOCABULARY)]
    column = {term: position for position, term in enumerate(kept)}
    matrix = np.zeros((len(texts), max(len(kept), 1)), dtype=np.float32)
    for row, counts in enumerate(counted):
        for term, count in counts.items():
            if term in column:
                matrix[row, column[term]] = count * (1.0 + np.log(len(texts) / frequency[term]))
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(norms, 1e-9), dtype=np.float32)
