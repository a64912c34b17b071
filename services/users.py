"""Users as admins see and change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.model import Role, User
from services.permissions import Action, use_case


@dataclass(frozen=True, kw_only=True)
class UserView:
    """A user, when they were last seen, and how many sessions of theirs are open."""

    id: int
    name: str
    role: Role
    disabled_at: datetime | None
    must_change_password: bool
    created_at: datetime
    last_seen_at: datetime | None
    open_sessions: int


@dataclass(frozen=True, kw_only=True)
class UserPage:
    """Users by name; next is the place of the page after this one, None on the last."""

    rows: tuple[UserView, ...]
    next: str | None


@dataclass(frozen=True, kw_only=True)
class ResetLink:
    """What lets a person choose a password, once and until then. The only time that the token is told."""

    token: str
    expires_at: datetime


class Users:
    @use_case(Action.MANAGE)
    def find(
        self,
        actor: User,
        *,
        text: str = "",
        role: Role | None = None,
        place: str | None = None,
        limit: int = 50,
    ) -> UserPage:
        """Users whose name holds the text, by name, from a place on."""
        raise NotImplementedError

    @use_case(Action.MANAGE)
    def get(self, actor: User, user_id: int) -> UserView:
        """Raises NotFound."""
        raise NotImplementedError

    @use_case(Action.MANAGE)
    def create(self, actor: User, name: str, role: Role) -> ResetLink:
        """A user without a password, and the link to choose one. Raises BadInput."""
        raise NotImplementedError

    @use_case(Action.MANAGE)
    def set_role(self, actor: User, user_id: int, role: Role, *, reason: str) -> None:
        """All their sessions and tokens end. Raises NotFound, BadInput, IllegalMove for oneself and the last admin."""
        raise NotImplementedError

    @use_case(Action.MANAGE)
    def disable(self, actor: User, user_id: int, *, reason: str) -> None:
        """All their sessions and tokens end. Raises NotFound, BadInput, IllegalMove for oneself and the last admin."""
        raise NotImplementedError

    @use_case(Action.MANAGE)
    def enable(self, actor: User, user_id: int, *, reason: str) -> None:
        """They may sign in again. Raises NotFound, BadInput."""
        raise NotImplementedError

    @use_case(Action.MANAGE)
    def reset_link(self, actor: User, user_id: int) -> ResetLink:
        """A link good for 24 hours; an older one is not good any more. Raises NotFound."""
        raise NotImplementedError
