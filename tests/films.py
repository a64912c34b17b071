"""Bytes that the door takes for a film, for tests in which nobody ever opens it."""

from __future__ import annotations

MP4_START = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


def film_of(content: bytes) -> bytes:
    """The content behind the first bytes of an MP4."""
    return MP4_START + content
