"""Where files are dropped, and the strip on every page that shows what is being sent."""

from __future__ import annotations

import math
from collections.abc import Sequence

from console.components import component, nothing, trigger
from console.look import VIDEO_CHIPS
from services.live_pace import EXPECTED
from services.model import StageName

_drop_zone = component("drop_zone", "live", "upload_hash", "upload_look", "upload", "upload_row")
_upload_strip = component("upload_strip", "upload_hash", "upload_look", "upload")

# One after the other, whatever else runs beside them.
LONGEST_PATH = (StageName.PROBE, StageName.TRANSCRIBE, StageName.ANALYZE, StageName.CLIPS)


def drop_zone(*, size_limit: int) -> str | None:
    """Where files are dropped, with how far each is. size_limit in bytes. The id of a video to open, once."""
    result = _drop_zone(
        data={
            "size_limit": size_limit,
            "states": {state: {"label": chip.label, "colour": chip.colour} for state, chip in VIDEO_CHIPS.items()},
            "work": _work(LONGEST_PATH),
        },
        key="drop_zone",
        on_opened_change=nothing,
    )
    return trigger(result.opened)


def upload_strip(*, address: str) -> bool:
    """What this tab sends, over the foot of every page but the one that lists it. Whether that page is asked for."""
    result = _upload_strip(data={"address": f"/{address}"}, key="upload_strip", on_opened_change=nothing)
    return trigger(result.opened) is not None


def _work(stages: Sequence[StageName]) -> list[tuple[float, float, float | None]]:
    """What the page needs to say how long work on a file will take: fixed, by second of media, most seconds."""
    expected = [EXPECTED[stage] for stage in stages]
    return [(one.fixed, one.per_second, None if math.isinf(one.most) else one.most) for one in expected]
