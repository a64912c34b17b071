"""How times and texts are cut to size for people."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """Seconds as 1:20, or 1:02:03 from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shorten(text: str, limit: int) -> str:
    """The text in at most limit characters, cut after a clause or a word, with an ellipsis where it was cut."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    clause = max(kept.rfind(mark) for mark in (", ", "; ", ": "))
    end = clause if clause >= limit // 2 else kept.rfind(" ")
    return (kept[:end] if end > 0 else kept).rstrip(" ,;:-") + "…"


def as_title(sentence: str, limit: int) -> str:
    """A sentence as a heading: to size, with a capital, without its full stop."""
    title = shorten(sentence, limit).rstrip(".")
    return title[:1].upper() + title[1:]
