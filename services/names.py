"""Names that people and their files bring, as they may be shown and kept."""

from __future__ import annotations

from pathlib import Path

LONGEST_NAME = 60  # characters of a title in the name of a file


def clean_file_name(name: str) -> str:
    """The last part of a name as a person may read it: no folders, no control or direction marks, 255 bytes."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(character for character in last if character.isprintable()).strip()
    return shown.encode()[:255].decode(errors="ignore") or "video"


def clean_title(title: str | None, file_name: str) -> str:
    """What the uploader wrote, or the file's name without its ending."""
    shown = "".join(character for character in (title or "") if character.isprintable()).strip()
    return (shown or Path(file_name).stem)[:200]


def safe_name(text: str) -> str:
    """Letters, digits and dashes of a text: a name for a file on any system."""
    shown = "".join(character if character.isalnum() else "-" for character in text)
    return "-".join(part for part in shown.split("-") if part)[:LONGEST_NAME].strip("-") or "video"
