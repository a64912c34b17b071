"""Tags: short words that people put on videos to find them again."""

from __future__ import annotations

from services.errors import BadInput

MOST = 20
LONGEST = 40  # characters


def clean_tags(values: object) -> list[str]:
    """The tags without needless space, marks and repetitions, in order. Raises BadInput."""
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise BadInput("Write tags as a list of words.")
    tags: dict[str, str] = {}
    for value in values:
        shown = "".join(each if each.isprintable() else " " for each in value)
        tag = " ".join(shown.replace(",", " ").removeprefix("#").split())
        if len(tag) > LONGEST:
            raise BadInput(f"A tag has at most {LONGEST} characters: shorten “{tag[:LONGEST]}…”.")
        if tag:
            tags.setdefault(tag.casefold(), tag)
    if len(tags) > MOST:
        raise BadInput(f"A video has at most {MOST} tags: remove some.")
    return list(tags.values())
