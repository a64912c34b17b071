"""Users as admins see and change them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from services.database import Database
from services.errors import BadInput, IllegalMove, NotAllowed
from services.model import Role, User
from services.passwords import unusable_hash
from services.permissions import Action, unseen, use_case
from services.reasons import require_reason
from services.records import events, reset_links, sessions, tokens, users
from services.records.users import UserRecord, UserView
from services.sessions import Sessions
from services.signing import digest_of
from services.tokens import ApiTokens

LINK_HOURS = 24
MOST_ON_A_PAGE = 200
USER_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
PART_OF_A_NAME = re.compile(r"[a-z0-9._@-]{0,64}")


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


@dataclass(frozen=True, kw_only=True)
class Ended:
    """Sessions and API tokens that Postgres has ended, and everybody is yet to be told of."""

    sessions: tuple[UUID, ...]
    tokens: tuple[UUID, ...]


class Users:
    """Whoever's role changes, and whoever is disabled, is signed out everywhere; their API tokens are revoked."""

    def __init__(self, database: Database, live_sessions: Sessions, live_tokens: ApiTokens) -> None:
        self._database = database
        self._sessions = live_sessions
        self._tokens = live_tokens

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
        part, after = text.strip().lower(), place or ""
        if not (PART_OF_A_NAME.fullmatch(part) and PART_OF_A_NAME.fullmatch(after)):
            return UserPage(rows=(), next=None)
        limit = max(1, min(limit, MOST_ON_A_PAGE))
        with self._database.statement() as connection:
            found = users.search(
                connection,
                idle_seconds=self._sessions.counted_for,
                name_part=part,
                role=role,
                after=after,
                limit=limit + 1,
            )
        rows = found[:limit]
        return UserPage(rows=rows, next=rows[-1].name if len(found) > limit else None)

    @use_case(Action.MANAGE)
    def get(self, actor: User, user_id: int) -> UserView:
        """Raises NotFound."""
        with self._database.statement() as connection:
            found = users.search(connection, idle_seconds=self._sessions.counted_for, user_id=user_id)
        if not found:
            raise unseen("user")
        return found[0]

    @use_case(Action.MANAGE)
    def create(self, actor: User, name: str, role: Role) -> ResetLink:
        """A user without a password, and the link to choose one. Raises BadInput."""
        hashed = unusable_hash()
        with self._database.transaction() as connection:
            _require_admin(connection, actor)
            user_id = add_user(connection, name, role, password_hash=hashed, actor=f"user:{actor.id}")
            return self._link(connection, actor, user_id)

    @use_case(Action.MANAGE)
    def set_role(self, actor: User, user_id: int, role: Role, *, reason: str) -> None:
        """All their sessions and tokens end. Raises NotFound, BadInput, IllegalMove for oneself."""
        reason = require_reason(reason)
        with self._database.transaction() as connection:
            record = _another(connection, actor, user_id)
            if record.user.role is role:
                raise IllegalMove(f"The role of {record.user.name} is {role} already.")
            users.set_role(connection, user_id, role)
            ended = shut_out(connection, user_id, reason="role changed")
            details = {"from": record.user.role, "to": role}
            _note(connection, actor, "role changed", user_id, reason=reason, details=details)
        self.tell(ended)

    @use_case(Action.MANAGE)
    def disable(self, actor: User, user_id: int, *, reason: str) -> None:
        """All their sessions and tokens end. Raises NotFound, BadInput, IllegalMove for oneself."""
        reason = require_reason(reason)
        with self._database.transaction() as connection:
            record = _another(connection, actor, user_id)
            if record.disabled:
                raise IllegalMove(f"{record.user.name} is disabled already.")
            users.set_disabled(connection, user_id, disabled=True)
            reset_links.drop(connection, user_id)
            ended = shut_out(connection, user_id, reason="disabled")
            _note(connection, actor, "user disabled", user_id, reason=reason)
        self.tell(ended)

    @use_case(Action.MANAGE)
    def enable(self, actor: User, user_id: int, *, reason: str) -> None:
        """They may sign in again. Raises NotFound, BadInput, IllegalMove for who is not disabled."""
        reason = require_reason(reason)
        with self._database.transaction() as connection:
            record = _another(connection, actor, user_id)
            if not record.disabled:
                raise IllegalMove(f"{record.user.name} is not disabled.")
            users.set_disabled(connection, user_id, disabled=False)
            _note(connection, actor, "user enabled", user_id, reason=reason)

    @use_case(Action.MANAGE)
    def reset_link(self, actor: User, user_id: int) -> ResetLink:
        """A link good for 24 hours; an older one is not good any more.

        Raises NotFound, and IllegalMove for who is disabled.
        """
        with self._database.transaction() as connection:
            _require_admin(connection, actor)
            record = users.find(connection, user_id)
            if record is None:
                raise unseen("user")
            if record.disabled:
                raise IllegalMove(f"{record.user.name} is disabled. Enable them first.")
            return self._link(connection, actor, user_id)

    def tell(self, ended: Ended) -> None:
        """Have every process and Redis forget them, once the transaction that ended them is committed."""
        self._sessions.forget(ended.sessions)
        self._tokens.forget(ended.tokens)

    def _link(self, connection: Connection, actor: User, user_id: int) -> ResetLink:
        token = secrets.token_urlsafe(32)
        expires_at = reset_links.replace(
            connection, digest=digest_of(token), user_id=user_id, created_by=actor.id, hours=LINK_HOURS
        )
        _note(connection, actor, "reset link made", user_id)
        return ResetLink(token=token, expires_at=expires_at)


def add_user(connection: Connection, name: str, role: Role, *, password_hash: str, actor: str) -> int:
    """The id of a new user. Raises BadInput for a name that is taken or is none."""
    name = name.strip().lower()
    if not USER_NAME.fullmatch(name):
        raise BadInput("A user name has 1 to 64 of a-z, 0-9, dot, dash, underscore and @, and no spaces.")
    user_id = users.create(connection, name=name, role=role, password_hash=password_hash)
    if user_id is None:
        raise BadInput(f"There is a user {name} already.")
    events.append(connection, actor=actor, action="user created", user_id=user_id, details={"role": role})
    return user_id


def shut_out(connection: Connection, user_id: int, *, reason: str) -> Ended:
    """End all that lets the user in: sessions, API tokens, and a sign-in on its way."""
    users.drop_tickets(connection, user_id)
    return Ended(
        sessions=sessions.revoke_all(connection, user_id, reason=reason), tokens=tokens.revoke_all(connection, user_id)
    )


def _another(connection: Connection, actor: User, user_id: int) -> UserRecord:
    """Somebody else, held until the end of the transaction: whoever acts stays, and so an admin does."""
    _require_admin(connection, actor)
    if actor.id == user_id:
        raise IllegalMove("Nobody changes their own role or disables themselves. Ask another admin.")
    record = users.find(connection, user_id, hold=True)
    if record is None:
        raise unseen("user")
    return record


def _require_admin(connection: Connection, actor: User) -> None:
    """Raises NotAllowed for who has ceased to be one, whatever their session still says."""
    if actor.id not in users.hold_admins(connection):
        raise NotAllowed("You are not an admin any more.")


def _note(
    connection: Connection,
    actor: User,
    action: str,
    user_id: int,
    *,
    reason: str | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    events.append(connection, actor=f"user:{actor.id}", action=action, user_id=user_id, reason=reason, details=details)


__all__ = ["Ended", "ResetLink", "UserPage", "UserView", "Users", "add_user", "shut_out"]
