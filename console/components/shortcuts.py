"""Keys that lead to pages, and the list of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.components import component, nothing, trigger

_shortcuts = component("shortcuts")


def shortcuts(pages: Sequence[Mapping[str, str]]) -> str | None:
    """A button for the list of keys; pages are {key, title, address}. The address to go to, once."""
    result = _shortcuts(data={"pages": list(pages)}, key="shortcuts", on_chosen_change=nothing)
    return trigger(result.chosen)
