"""What is left of the limits, as bars that move by themselves."""

from __future__ import annotations

import time
from typing import Any

from console.components import component
from services.limits import LimitsView, LimitUse
from services.model import User
from services.permissions import Action, permits

ENGINES = ("live", "upload_hash", "upload_look", "upload", "limits")  # a new job, or a new upload, uses some
_meter = component("meter", *ENGINES)


def limits_data(limits: LimitsView | None, user: User) -> dict[str, Any] | None:
    """What the limits engine takes in; None while nobody can tell."""
    if limits is None:
        return None
    return {
        "owner": user.name,
        "as_of": time.time(),
        "uploads_allowed": permits(user, Action.UPLOAD, user.id),
        "degraded": limits.degraded,
        "requests": _use(limits.requests),
        "jobs": _use(limits.jobs),
        "uploads": _use(limits.uploads),
    }


def meter(
    limits: LimitsView | None, user: User, *, key: str, is_wide: bool = False, has_requests: bool = False
) -> None:
    """The bars; is_wide says more of each, and has_requests shows the requests also while many are left."""
    _meter(
        data={"limits": limits_data(limits, user), "is_wide": is_wide, "has_requests": has_requests},
        key=key,
    )


def _use(use: LimitUse) -> dict[str, Any]:
    return {
        "limit": use.limit,
        "used": use.used,
        "left": use.left,
        "window": use.window,
        "free_at": use.free_at.isoformat() if use.free_at else None,
        "overridden_until": use.overridden_until.isoformat() if use.overridden_until else None,
        "reason": use.reason,
    }
