"""API tokens: what lets a program in as a person, until a day or until it is revoked."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.database import Database
from services.errors import BadInput, IllegalMove, NotAllowed, NotSignedIn
from services.model import Session, User
from services.permissions import Action, permits, unseen, use_case
from services.records import events, sessions, tokens, users
from services.records.tokens import TokenView
from services.revocations import Revocations
from services.session_tokens import ENDED
from services.signing import digest_of

PREFIX = "backlot_"
MOST_OF_A_USER = 20  # that live
LONGEST_DAYS = 365
LONGEST_NAME = 100
HINT_LENGTH = 4
REMEMBERED = 10_000  # checks kept in memory
UNKNOWN = "This token is not known, has expired or was revoked. Make a new one on My account."


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """The only time that the token itself is told."""

    token: str
    view: TokenView


class ApiTokens:
    """Checked like sessions: remembered for as short a time, and forgotten when they are told of as ended."""

    def __init__(self, database: Database, revocations: Revocations) -> None:
        self._database = database
        self._revocations = revocations
        self._lock = threading.Lock()
        self._checked: dict[bytes, tuple[float, Session]] = {}
        self._forgotten = 0  # how often something was
        revocations.forgotten_by(self._forget)

    @use_case(Action.ACCOUNT)
    def create(self, user: User, *, name: str, days: int, session_id: UUID | None = None) -> NewToken:
        """A token of one's own, for 1 to 365 days; session_id is the session that asks for it.

        Raises BadInput, IllegalMove for one too many, NotAllowed for a token, and NotSignedIn for who was shut out
        meanwhile.
        """
        name = name.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise BadInput(f"Give the token a name of at most {LONGEST_NAME} characters, so that you know it again.")
        if not 1 <= days <= LONGEST_DAYS:
            raise BadInput(f"A token lives for 1 to {LONGEST_DAYS} days.")
        token = PREFIX + secrets.token_urlsafe(32)
        with self._database.transaction() as connection:
            record = users.find(connection, user.id, hold=True)
            if record is None or record.disabled or record.user.role is not user.role:
                raise NotSignedIn(ENDED)
            if session_id is not None and tokens.owner(connection, session_id) is not None:
                raise NotAllowed("A token makes no tokens: it would outlive itself. Sign in, or use My account.")
            if session_id is not None and sessions.find_live(connection, session_id, idle_seconds=None) is None:
                raise NotSignedIn(ENDED)
            if tokens.count_of_user(connection, user.id) >= MOST_OF_A_USER:
                raise IllegalMove(f"You have {MOST_OF_A_USER} tokens. Revoke one that you do not use any more.")
            row = tokens.create(
                connection,
                token_id=uuid4(),
                user_id=user.id,
                name=name,
                digest=digest_of(token),
                hint=token[-HINT_LENGTH:],
                days=days,
            )
            events.append(
                connection,
                actor=f"user:{user.id}",
                action="token made",
                user_id=user.id,
                details={"token": str(row.id), "name": name, "days": days},
            )
        return NewToken(token=token, view=row)

    @use_case(Action.ACCOUNT)
    def of_user(self, actor: User, user_id: int) -> tuple[TokenView, ...]:
        """The tokens that live, newest first. Raises NotFound for another's, unless an admin asks."""
        if not permits(actor, Action.ACCOUNT, user_id):
            raise unseen("user")
        with self._database.statement() as connection:
            return tokens.of_user(connection, user_id)

    @use_case(Action.ACCOUNT)
    def revoke(self, actor: User, token_id: UUID) -> None:
        """Raises NotFound for another's, unless an admin asks."""
        with self._database.transaction() as connection:
            owner_id = tokens.owner(connection, token_id)
            if owner_id is None or not permits(actor, Action.ACCOUNT, owner_id):
                raise unseen("token")
            if tokens.revoke(connection, token_id):
                events.append(
                    connection,
                    actor=f"user:{actor.id}",
                    action="token revoked",
                    user_id=owner_id,
                    details={"token": str(token_id)},
                )
        self.forget([token_id])

    def verify(self, token: str | None) -> Session:
        """Who a token lets in, with the role they have now; its id is the session's.

        Raises NotSignedIn, Unavailable.
        """
        if not token or not token.startswith(PREFIX):
            raise NotSignedIn(UNKNOWN)
        digest = digest_of(token)
        now = time.monotonic()
        with self._lock:
            checked, forgotten = self._checked.get(digest), self._forgotten
        if checked is not None and now - checked[0] < self._revocations.memory_seconds():
            session = checked[1]
        else:
            session = self._confirm(digest)
            with self._lock:
                if len(self._checked) > REMEMBERED:
                    self._checked.clear()
                if self._forgotten == forgotten:  # else it may have been revoked since it was asked for
                    self._checked[digest] = (now, session)
        if session.expires_at <= datetime.now(UTC):
            raise NotSignedIn(UNKNOWN)
        return session

    def forget(self, ended: Collection[UUID]) -> None:
        """Drop what every process remembers of tokens that Postgres has ended."""
        self._revocations.tell(ended)

    def _confirm(self, digest: bytes) -> Session:
        with self._database.statement() as connection:
            found = tokens.find_live(connection, digest)
            if found is None:
                raise NotSignedIn(UNKNOWN)
            if found.stale:
                tokens.note_use(connection, found.id)
        return Session(id=found.id, user=found.user, expires_at=found.expires_at)

    def _forget(self, token_id: UUID | None) -> None:
        with self._lock:
            self._forgotten += 1
            kept = {} if token_id is None else self._checked
            self._checked = {digest: one for digest, one in kept.items() if one[1].id != token_id}


__all__ = ["ApiTokens", "NewToken", "TokenView"]
