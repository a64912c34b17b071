"""Who may do what: one table, asked by every use case."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from services.errors import NotAllowed, NotFound
from services.model import Role, User


class Action(enum.StrEnum):
    UPLOAD = "upload"
    SEE = "see"  # videos, jobs, files, outputs
    ACT = "act"  # submit, cancel, retry
    SEE_HISTORY = "see history"  # events, traces
    OPERATE = "operate"  # pause and resume queues, which nobody owns


OWN: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.UPLOAD: frozenset({Role.CREATOR, Role.OPERATOR, Role.ADMIN}),
        Action.SEE: frozenset(Role),
        Action.ACT: frozenset({Role.CREATOR, Role.OPERATOR, Role.ADMIN}),
        Action.SEE_HISTORY: frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN}),
        Action.OPERATE: frozenset({Role.OPERATOR, Role.ADMIN}),
    }
)
ANYONES: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.UPLOAD: frozenset(),
        Action.SEE: frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN}),
        Action.ACT: frozenset({Role.OPERATOR, Role.ADMIN}),
        Action.SEE_HISTORY: frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN}),
        Action.OPERATE: frozenset({Role.OPERATOR, Role.ADMIN}),
    }
)


def permits(user: User, action: Action, owner_id: int) -> bool:
    roles = OWN[action] if owner_id == user.id else ANYONES[action]
    return user.role in roles


def unseen(thing: str) -> NotFound:
    """The same refusal for what is not there and for what is another's."""
    return NotFound(f"There is no such {thing}, or it is not yours.")


def require(user: User, action: Action, owner_id: int) -> None:
    """Raises NotFound where the user may not even see the thing, NotAllowed where they may see but not act."""
    if not permits(user, Action.SEE, owner_id):
        raise unseen("video")
    if not permits(user, action, owner_id):
        raise NotAllowed(f"Your role, {user.role}, may look at this but not change it. Ask an operator.")
