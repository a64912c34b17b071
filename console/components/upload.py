"""Where files are dropped, and the strip on every page that shows what is being sent."""

from __future__ import annotations

from console.components import component, nothing, trigger

_drop_zone = component("drop_zone", "upload")
_upload_strip = component("upload_strip", "upload")


def drop_zone(*, size_limit: int) -> str | None:
    """Where files are dropped, with how far each is. size_limit in bytes. The id of a video to open, once."""
    result = _drop_zone(data={"size_limit": size_limit}, key="drop_zone", on_opened_change=nothing)
    return trigger(result.opened)


def upload_strip() -> None:
    """The upload under way in this tab, if there is one: it goes on while other pages are shown."""
    _upload_strip(key="upload_strip")
