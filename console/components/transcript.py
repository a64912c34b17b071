"""A transcript that follows the player and moves it."""

from __future__ import annotations

from console.components import component

_transcript = component("transcript")


def transcript(source: str) -> None:
    """A transcript, read by the browser from its JSON address: follows the player and moves it."""
    _transcript(data={"source": source}, key="transcript")
