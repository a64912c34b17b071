"""Why somebody did what cannot be undone or what others will wonder at: one line, kept in the history."""

from __future__ import annotations

from services.errors import BadInput

LONGEST = 500  # characters


def require_reason(reason: str) -> str:
    """The reason in one line. Raises BadInput where there is none, or more than 500 characters."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST:
        raise BadInput(f"Say why, in at most {LONGEST} characters: whoever looks at it later will want to know.")
    return reason
