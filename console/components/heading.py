"""The title of a video, with its state, one line of facts and its tags."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from console.components import component

_heading = component("heading", "saving")


def heading(
    video_id: UUID, title: str, *, state: str, colour: str, facts: Sequence[str], tags: Sequence[str], may_act: bool
) -> None:
    """The title of a video with a state chip and one line of facts; whoever may act changes title and tags in place."""
    _heading(
        data={
            "video": str(video_id),
            "title": title,
            "state": state,
            "colour": colour,
            "facts": list(facts),
            "tags": list(tags),
            "may_act": may_act,
        },
        key="heading",
    )
