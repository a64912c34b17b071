"""How long somebody has to wait: until a moment, and in words."""

from __future__ import annotations

import math
from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86_400  # seconds


def seconds_until(moment: datetime) -> float:
    """At least one: whoever is told to come back at once comes too early."""
    return max(1.0, (moment - datetime.now(UTC)).total_seconds())


def in_words(seconds: float) -> str:
    """Rounded up, so that whoever comes then does not come too early: `40 s`, `12 min`, `5 h 20 min`, `3 days`."""
    whole = max(1, math.ceil(seconds))
    if whole < 2 * MINUTE:
        return f"{whole} s"
    minutes = math.ceil(whole / MINUTE)
    if minutes < HOUR // MINUTE:
        return f"{minutes} min"
    if whole < 2 * DAY:
        hours, left = divmod(minutes, HOUR // MINUTE)
        return f"{hours} h {left} min" if left else f"{hours} h"
    return f"{math.ceil(whole / DAY)} days"
