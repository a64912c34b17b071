"""The title of a video, with its state and one line of facts."""

from __future__ import annotations

from collections.abc import Sequence

from console.components import component

_heading = component("heading")


def heading(title: str, *, state: str, colour: str, facts: Sequence[str]) -> None:
    """The title of a page that a person named, with a state chip and one line of facts."""
    _heading(data={"title": title, "state": state, "colour": colour, "facts": list(facts)}, key="heading")
