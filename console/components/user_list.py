"""Users in rows, each of which leads to what may be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from console.components import component, nothing, trigger
from console.look import ROLE_NAMES, Chip, moment
from services.users import UserView

_user_list = component("user_list")


def user_chip(user: UserView) -> Chip:
    """The state of a user."""
    if user.disabled_at is not None:
        return Chip("Disabled", "red")
    return Chip("No password yet", "orange") if user.must_change_password else Chip("Active", "green")


def user_list(users: Sequence[UserView], *, address: str, timezone: tzinfo) -> int | None:
    """The users, with links to `address?user=ID`. The id of the one to open, once."""
    rows = [
        {
            "id": user.id,
            "name": user.name,
            "role": ROLE_NAMES[user.role],
            "state": user_chip(user)._asdict(),
            "seen": moment(user.last_seen_at, timezone=timezone) if user.last_seen_at else "never",
            "sessions": user.open_sessions,
        }
        for user in users
    ]
    result = _user_list(data={"address": f"/{address}", "rows": rows}, key="user_list", on_opened_change=nothing)
    opened = trigger(result.opened)
    return int(opened) if opened and opened.isdecimal() else None
