"""What a person typed into the search box, as words to look for. Pure functions: whatever is typed means something."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONGEST = 200  # characters that are looked at
MOST_WORDS = 12
SHORTEST_PREFIX = 2  # letters: a single one is too little to begin words by, where it is no word as in Chinese
SHORTEST_PART = 3  # letters of a part of a name: what trigrams can find

# What parts words, as `plain_words` in the database has it.
_BETWEEN = re.compile(
    "[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\u2000-\u206f\u3000-\u3003\\s]+"
)
_TERM = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))')
_QUOTES = str.maketrans("“”„«»", '"""""')


@dataclass(frozen=True, kw_only=True)
class Terms:
    """words must all occur, phrases as they stand, and nothing of without. Words hold no quotes and no operators.

    part is what a name may hold anywhere; None where the text is more than that.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    without: tuple[str, ...] = ()
    part: str | None = None

    def __bool__(self) -> bool:
        return bool(self.words or self.phrases or self.without)

    @property
    def positive(self) -> bool:
        """Whether it says what to find, and not only what to leave out."""
        return bool(self.words or self.phrases)


def parse(text: str) -> Terms:
    """Words, "phrases in quotes", and -words to leave out. Never raises; nothing usable gives no terms."""
    text = text[:LONGEST].translate(_QUOTES)
    words: list[str] = []
    phrases: list[tuple[str, ...]] = []
    without: list[str] = []
    for term in _TERM.finditer(text):
        quoted = term["phrase"] is not None
        found = words_of(term["phrase"] if quoted else term["plain"])
        if term["minus"]:
            without += found
        elif quoted and len(found) > 1:
            phrases.append(tuple(found))
        else:
            words += found
    if len("".join(words)) < SHORTEST_PREFIX and all(map(str.isascii, words)):
        words = []
    phrases = phrases[:MOST_WORDS]
    part = " ".join(text.split())
    simple = not phrases and not without and '"' not in part and part.isprintable() and len(part) >= SHORTEST_PART
    return Terms(
        words=tuple(dict.fromkeys(words))[:MOST_WORDS],
        phrases=tuple(dict.fromkeys(phrases)),
        without=tuple(dict.fromkeys(without))[:MOST_WORDS],
        part=part if simple and words else None,
    )


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return [word for word in _BETWEEN.split(text.lower()) if word.isprintable() and word]


def marks(text: str, terms: Terms, stems: Mapping[str, str | None]) -> tuple[tuple[int, int], ...]:
    """Where in the text the looked-for words are: starts and ends, in characters, in order, apart from each other.

    stems has the English stems of words.
    """
    tokens = [(match.start(), match.end(), match[0].lower()) for match in _tokens(text)]
    found: set[tuple[int, int]] = set()
    for word in terms.words:
        found |= {(start, end) for start, end, token in tokens if begins(token, word, stems.get(word))}
    for phrase in terms.phrases:
        for at in range(len(tokens) - len(phrase) + 1):
            run = tokens[at : at + len(phrase)]
            if tuple(token for _, _, token in run) == phrase:
                found.add((run[0][0], run[-1][1]))
    return joined(sorted(found))


def begins(token: str, word: str, stem: str | None) -> bool:
    """Whether a word of a text is one that was looked for: it begins so, or its stem does (studi: study, studies)."""
    if token.startswith(word):
        return True
    return bool(stem) and (token.startswith(str(stem)) or (str(stem).endswith("i") and token == f"{str(stem)[:-1]}y"))


def joined(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The spans, given in order, with those that overlap made one."""
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return tuple(apart)


def _tokens(text: str) -> list[re.Match[str]]:
    return [match for match in _WORD.finditer(text) if match[0].lower().isprintable()]  # as words_of


_WORD = re.compile(_BETWEEN.pattern.replace("[", "[^", 1))
