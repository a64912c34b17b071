"""Who may do what: one table, asked by every use case."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar, cast

from services.errors import NotAllowed, NotFound
from services.model import Role, User


class Action(enum.StrEnum):
    UPLOAD = "upload"
    SEE = "see"  # videos, jobs, files, outputs
    ACT = "act"  # submit, cancel, retry
    SEE_HISTORY = "see history"  # events, traces, and how much there is of everybody's work
    OPERATE = "operate"  # pause and resume queues, which nobody owns
    ACCOUNT = "account"  # password, sessions, tokens and limits of one person, to see and to end
    MANAGE = "manage"  # users, their roles, and what they may use


OWN: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.UPLOAD: frozenset({Role.CREATOR, Role.OPERATOR, Role.ADMIN}),
        Action.SEE: frozenset(Role),
        Action.ACT: frozenset({Role.CREATOR, Role.OPERATOR, Role.ADMIN}),
        Action.SEE_HISTORY: frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN}),
        Action.OPERATE: frozenset({Role.OPERATOR, Role.ADMIN}),
        Action.ACCOUNT: frozenset(Role),
        Action.MANAGE: frozenset({Role.ADMIN}),
    }
)
ANYONES: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.UPLOAD: frozenset(),
        Action.SEE: frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN}),
        Action.ACT: frozenset({Role.OPERATOR, Role.ADMIN}),
        Action.SEE_HISTORY: frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN}),
        Action.OPERATE: frozenset({Role.OPERATOR, Role.ADMIN}),
        Action.ACCOUNT: frozenset({Role.ADMIN}),
        Action.MANAGE: frozenset({Role.ADMIN}),
    }
)

UseCase = TypeVar("UseCase", bound=Callable[..., Any])


def permits(user: User, action: Action, owner_id: int) -> bool:
    roles = OWN[action] if owner_id == user.id else ANYONES[action]
    return user.role in roles


def unseen(thing: str) -> NotFound:
    """The same refusal for what is not there and for what is another's."""
    return NotFound(f"There is no such {thing}, or it is not yours.")


def require(user: User, action: Action, owner_id: int, *, thing: str = "video") -> None:
    """Raises NotFound where the user may not even see the thing, NotAllowed where they may see but not act."""
    if not permits(user, Action.SEE, owner_id):
        raise unseen(thing)
    if not permits(user, action, owner_id):
        raise NotAllowed(f"Your role, {user.role}, may look at this but not change it. Ask an operator.")


def use_case(action: Action) -> Callable[[UseCase], UseCase]:
    """Says which action a use case is: a method of a service whose first argument is the user who asks.

    Whoever may do it to nothing at all is refused before it begins, with NotAllowed; whose thing it is, the method asks
    by `require`.
    """

    def marked(method: UseCase) -> UseCase:
        @functools.wraps(method)
        def asked(service: object, user: User, *args: Any, **kwargs: Any) -> Any:
            permitted = OWN[action] | ANYONES[action]
            if user.role not in permitted:
                whom = "an operator" if Role.OPERATOR in permitted else "an admin"
                raise NotAllowed(f"Your role, {user.role}, does not permit this. Ask {whom}.")
            return method(service, user, *args, **kwargs)

        asked.action = action  # type: ignore[attr-defined]
        return cast(UseCase, asked)

    return marked
