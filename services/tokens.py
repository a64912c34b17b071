"""API tokens: what lets a program in as a person, until a day or until it is revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.model import Session, User
from services.permissions import Action, use_case

PREFIX = "backlot_"


@dataclass(frozen=True, kw_only=True)
class TokenView:
    """A token that lives, without what would let anybody in. hint is its last characters."""

    id: UUID
    name: str
    hint: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """The only time that the token itself is told."""

    token: str
    view: TokenView


class ApiTokens:
    @use_case(Action.ACCOUNT)
    def create(self, user: User, *, name: str, days: int) -> NewToken:
        """A token of one's own, for 1 to 365 days. Raises BadInput."""
        raise NotImplementedError

    @use_case(Action.ACCOUNT)
    def of_user(self, actor: User, user_id: int) -> tuple[TokenView, ...]:
        """The tokens that live, newest first. Raises NotFound for another's, unless an admin asks."""
        raise NotImplementedError

    @use_case(Action.ACCOUNT)
    def revoke(self, actor: User, token_id: UUID) -> None:
        """Raises NotFound."""
        raise NotImplementedError

    def verify(self, token: str | None) -> Session:
        """Who a token lets in; its id is the session's. Raises NotSignedIn, Unavailable."""
        raise NotImplementedError
