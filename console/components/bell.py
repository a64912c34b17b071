"""The bell: what ended, also while nobody looked."""

from __future__ import annotations

from console.components import component, nothing, trigger

_bell = component("bell", "live", "presence")


def bell(*, looking_at: str | None) -> str | None:
    """Unread messages, at the top of every page; looking_at is the video that the page is about.

    The id of a video to open, once.
    """
    result = _bell(data={"looking_at": looking_at}, key="bell", on_opened_change=nothing)
    return trigger(result.opened)
