"""Plays a file from its address; other components move it to a time."""

from __future__ import annotations

from console.components import component

_player = component("player")


def player(*, source: str, captions: str | None, language: str, poster: str | None, sound_only: bool) -> None:
    """Plays a file from its address, with captions; other components move it to a time."""
    _player(
        data={
            "source": source,
            "captions": captions,
            "language": language,
            "poster": poster,
            "sound_only": sound_only,
        },
        key="player",
    )
