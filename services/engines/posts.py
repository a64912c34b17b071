"""Drafts for each network, arranged from an analysis. Every sentence in them is the speaker's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from services.engines.sentences import Sentence, sentences_of
from services.engines.wording import as_title, clock, shorten
from services.outputs import AnalysisOutput, Chapter, Post, PostsOutput, TranscriptOutput

LINKEDIN_CHARACTERS = 3_000
X_CHARACTERS = 280
MOST_X_PARTS = 12
TITLE_CHARACTERS = 70
MOST_TITLES = 5
MOST_HASHTAGS = 8
LONGEST_HASHTAG = 30
OUTLINE_SENTENCES = 3
# Code points that X counts as one character; every other counts as two (twitter-text, configuration v3).
X_SINGLE = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
X_ADDRESS_LENGTH = 23  # whatever its own: X shortens them all
X_AFTER_ADDRESS = ".,;:!?)]}'\"\u201d\u2019"
X_ADDRESS = re.compile(
    r"(?<![@A-Za-z0-9_.-])(?:https?://[^\s]+|(?:[a-z0-9][a-z0-9-]*\.)+"
    r"(?:com|org|net|edu|gov|info|dev|app|io|ai|co|tv|me|eu|uk|de|fr)(?![A-Za-z0-9_-]|\.[A-Za-z0-9])(?:[/?#][^\s]*)?)",
    re.IGNORECASE,
)
_PICTURE, _TONES = "[\u203c-\u3299\U0001f000-\U0001faff]", "[\ufe0f\U0001f3fb-\U0001f3ff]*"
X_EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_PICTURE}{_TONES}(?:\u200d{_PICTURE}{_TONES})+"
    f"|[\U0001f000-\U0001faff]{_TONES}|[\u203c-\u3299]\ufe0f"
)


def write_drafts(
    title: str, transcript: TranscriptOutput, analysis: AnalysisOutput, *, engine: str, method: str
) -> PostsOutput:
    """One draft for each network, with titles and hashtags; a pure function."""
    title = " ".join(title.split()) or "Untitled"
    hashtags = hashtags_of([keyword.text for keyword in analysis.keywords])
    return PostsOutput(
        posts=(
            Post(
                network="linkedin",
                parts=(_linkedin(title, analysis, hashtags),),
                character_limit=LINKEDIN_CHARACTERS,
            ),
            Post(network="x_thread", parts=_x_thread(title, analysis, hashtags), character_limit=X_CHARACTERS),
            Post(network="newsletter", parts=(_newsletter(title, analysis),)),
            Post(network="blog_outline", parts=(_blog_outline(title, transcript, analysis),)),
            Post(network="show_notes", parts=(_show_notes(title, analysis),)),
        ),
        titles=_titles(title, analysis),
        hashtags=hashtags,
        engine=engine,
        method=method,
    )


def x_length(text: str) -> int:
    """How many characters X counts: 23 for an address, 2 for an emoji of however many parts, the rest by alphabet.

    The page counts by the same rule while somebody writes: console/components/post_length_engine.js.
    """
    text = unicodedata.normalize("NFC", text)
    addresses, emoji = 0, 0

    def without_address(found: re.Match[str]) -> str:
        nonlocal addresses
        addresses += 1
        return found[0][len(found[0].rstrip(X_AFTER_ADDRESS)) :]

    rest = X_ADDRESS.sub(without_address, text)
    rest, emoji = X_EMOJI.subn("", rest)
    characters = sum(1 if any(low <= ord(each) <= high for low, high in X_SINGLE) else 2 for each in rest)
    return characters + X_ADDRESS_LENGTH * addresses + 2 * emoji


def hashtags_of(phrases: Sequence[str]) -> tuple[str, ...]:
    """Phrases as hashtags of letters and digits, such as #JohnDashwood, each once."""
    tags: dict[str, str] = {}
    for phrase in phrases:
        words = ["".join(filter(str.isalnum, word)) for word in phrase.split()]
        tag = "".join(word[:1].upper() + word[1:] for word in words)
        if tag and not tag.isdigit() and len(tag) <= LONGEST_HASHTAG:
            tags.setdefault(tag.lower(), f"#{tag}")
    return tuple(tags.values())[:MOST_HASHTAGS]


def split_for_x(text: str, limit: int) -> list[str]:
    """A text in parts that X counts as at most limit, cut between words where there are any."""
    parts: list[str] = []
    current = ""
    for word in text.split():
        joined = f"{current} {word}" if current else word
        if x_length(joined) <= limit:
            current = joined
            continue
        if current:
            parts.append(current)
        current = word
        while x_length(current) > limit:
            parts.append(current[: limit // 2])
            current = current[limit // 2 :]
    return [*parts, current] if current else parts


def _hook(analysis: AnalysisOutput, otherwise: str) -> str:
    candidates = (*(quote.text for quote in analysis.quotes), *analysis.summary)
    return candidates[0] if candidates else otherwise


def _linkedin(title: str, analysis: AnalysisOutput, hashtags: Sequence[str]) -> str:
    hook = _hook(analysis, title)
    points = [f"• {line}" for line in analysis.summary if line != hook]
    text = "\n\n".join(filter(None, (hook, "\n".join(points), f"From “{title}”", " ".join(hashtags[:5]))))
    return text if len(text) <= LINKEDIN_CHARACTERS else text[: LINKEDIN_CHARACTERS - 1].rstrip() + "…"


def _x_thread(title: str, analysis: AnalysisOutput, hashtags: Sequence[str]) -> tuple[str, ...]:
    room = X_CHARACTERS - len(f" {MOST_X_PARTS}/{MOST_X_PARTS}")
    hook = _hook(analysis, title)
    texts = [hook, *(line for line in analysis.summary if line != hook)]
    ending = " ".join((f"From “{shorten(title, 100)}”", *hashtags[:3]))
    body = [part for text in texts for part in split_for_x(text, room)][: MOST_X_PARTS - 1]
    parts = [*body, split_for_x(ending, room)[0]]
    return tuple(f"{part} {number}/{len(parts)}" for number, part in enumerate(parts, start=1))


def _newsletter(title: str, analysis: AnalysisOutput) -> str:
    quotes = [f"> {quote.text}" for quote in analysis.quotes[:2]]
    return _sections(
        f"Subject: {shorten(title, TITLE_CHARACTERS)}",
        "In this video",
        " ".join(analysis.summary),
        "In the speaker's words" if quotes else "",
        "\n\n".join(quotes),
        "What is in it",
        _timestamps(analysis.chapters),
    )


def _blog_outline(title: str, transcript: TranscriptOutput, analysis: AnalysisOutput) -> str:
    sentences = sentences_of(transcript)
    lines = [f"# {title}"]
    for chapter in analysis.chapters:
        lines += ["", f"## {chapter.title}", *(f"- {text}" for text in _points(sentences, chapter))]
    return "\n".join(lines)


def _points(sentences: Sequence[Sentence], chapter: Chapter) -> list[str]:
    """The sentences of a chapter with the most words, in order of time."""
    inside = [each for each in sentences if chapter.start <= each.start < chapter.end and not each.unsure]
    longest = sorted(inside, key=lambda each: -len(each.words))[:OUTLINE_SENTENCES]
    return [each.text for each in sorted(longest, key=lambda each: each.start)]


def _show_notes(title: str, analysis: AnalysisOutput) -> str:
    keywords = ", ".join(keyword.text for keyword in analysis.keywords)
    quotes = [f"“{quote.text}” ({clock(quote.start)})" for quote in analysis.quotes]
    return _sections(
        title,
        "\n".join(analysis.summary),
        "Chapters",
        _timestamps(analysis.chapters),
        "Quotes" if quotes else "",
        "\n".join(quotes),
        f"Keywords: {keywords}" if keywords else "",
    )


def _timestamps(chapters: Sequence[Chapter]) -> str:
    return "\n".join(f"{clock(chapter.start)} {chapter.title}" for chapter in chapters)


def _sections(*sections: str) -> str:
    return "\n\n".join(section for section in sections if section)


def _titles(title: str, analysis: AnalysisOutput) -> tuple[str, ...]:
    """Headings of the speaker's words, the best passages first, then the video's own title."""
    candidates = [
        *(highlight.title for highlight in analysis.highlights[:2]),
        *(as_title(quote.text, TITLE_CHARACTERS) for quote in analysis.quotes[:2]),
        shorten(title, TITLE_CHARACTERS),
    ]
    return tuple(dict.fromkeys(filter(None, candidates)))[:MOST_TITLES]
