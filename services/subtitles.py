"""A transcript as SRT, WebVTT, plain text and JSON. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from services.corrections import Correction
from services.outputs import TranscriptOutput, Word

LINE_CHARACTERS = 42
LINES = 2
LONGEST_CUE = 7.0  # seconds
SHORTEST_CUE = 0.7
PAUSE_SECONDS = 0.8  # a silence that ends a cue
CLAUSE_ENDS = (".", "?", "!", "…", ",", ";", ":")
SENTENCE_ENDS = (".", "?", "!", "…")
NOTHING: Mapping[int, Correction] = MappingProxyType({})
VTT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, kw_only=True)
class Cue:
    """What is on the screen from start to end, in seconds: one or two lines."""

    start: float
    end: float
    lines: tuple[str, ...]


def cues_of(transcript: TranscriptOutput) -> tuple[Cue, ...]:
    """Cues of at most two lines of 42 characters and 7 seconds that do not overlap; a longer word has its own line."""
    words = [word for segment in transcript.segments for word in segment.words if _one_line(word.text)]
    groups = list(_groups(words))
    cues: list[Cue] = []
    for position, group in enumerate(groups):
        following = groups[position + 1][0].start if position + 1 < len(groups) else transcript.duration
        start = max(group[0].start, cues[-1].end) if cues else group[0].start
        spoken = min(group[-1].end, start + LONGEST_CUE)
        end = max(spoken, min(start + SHORTEST_CUE, following))
        cues.append(Cue(start=start, end=end, lines=_lines([_one_line(word.text) for word in group])))
    return tuple(cues)


def to_srt(transcript: TranscriptOutput) -> str:
    """SubRip: numbered cues, times as 00:01:20,500."""
    blocks = [
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_text(cue)}\n"
        for number, cue in enumerate(cues_of(transcript), start=1)
    ]
    return "\n".join(blocks)


def to_vtt(transcript: TranscriptOutput) -> str:
    """WebVTT, times as 00:01:20.500, text escaped."""
    blocks = [
        f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_text(cue).translate(VTT_ESCAPES)}\n"
        for cue in cues_of(transcript)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def to_text(transcript: TranscriptOutput) -> str:
    """The words alone, a paragraph for each stretch without a long pause."""
    paragraphs: list[list[str]] = []
    last_end: float | None = None
    for segment in transcript.segments:
        if last_end is None or segment.start - last_end >= 2 * PAUSE_SECONDS:
            paragraphs.append([])
        paragraphs[-1].append(segment.text)
        last_end = segment.end
    return "\n\n".join(" ".join(paragraph) for paragraph in paragraphs) + "\n" if paragraphs else ""


def to_json(transcript: TranscriptOutput, corrections: Mapping[int, Correction] = NOTHING) -> str:
    """The times and the confidence of each word; for lines that somebody corrected also what was recorded."""
    whole = transcript.model_dump(mode="json")
    if corrections:
        whole["corrections"] = [
            {"line": line, "original": one.original, "editor": one.editor, "at": one.at.isoformat()}
            for line, one in sorted(corrections.items())
        ]
    return json.dumps(whole, ensure_ascii=False) + "\n"


def _groups(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words that are shown together."""
    current: list[Word] = []
    for word in words:
        if current and not _fits(current, word):
            kept = _break_point(current)
            yield current[:kept]
            current = current[kept:]
            if current and not _fits(current, word):
                yield current
                current = []
        current.append(word)
        if current[-1].text.endswith(SENTENCE_ENDS) and len(_lines([each.text for each in current])) == LINES:
            yield current
            current = []
    if current:
        yield current


def _fits(current: Sequence[Word], word: Word) -> bool:
    texts = [_one_line(each.text) for each in (*current, word)]
    return (
        len(_lines(texts)) <= LINES
        and word.end - current[0].start <= LONGEST_CUE
        and word.start - current[-1].end < PAUSE_SECONDS
    )


def _break_point(words: Sequence[Word]) -> int:
    """How many of these words to show before the next cue: up to a late clause end, otherwise all."""
    for count in range(len(words), len(words) // 2, -1):
        if words[count - 1].text.endswith(CLAUSE_ENDS):
            return count
    return len(words)


def _lines(texts: Sequence[str]) -> tuple[str, ...]:
    """The texts in as few lines as fit, two of them about equally long."""
    whole = " ".join(texts)
    if len(whole) <= LINE_CHARACTERS:
        return (whole,)
    splits = [(" ".join(texts[:count]), " ".join(texts[count:])) for count in range(1, len(texts))]
    fitting = [pair for pair in splits if max(map(len, pair)) <= LINE_CHARACTERS]
    if fitting:
        return min(fitting, key=lambda pair: abs(len(pair[0]) - len(pair[1])))
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + 1 + len(text) <= LINE_CHARACTERS:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    return tuple(lines)


def _one_line(text: str) -> str:
    """Text without line breaks and control characters, and without the arrow that means a time line."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.replace("-->", "->").split())


def _text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _time(seconds: float, mark: str) -> str:
    milliseconds = round(max(seconds, 0.0) * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{mark}{milliseconds % 1000:03}"
