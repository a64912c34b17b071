"""Accounts, sessions, users and API tokens without stores: whoever is made here is known to all four."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import overload
from uuid import UUID, uuid4

from services.errors import BadInput, IllegalMove, NotFound, NotSignedIn, Refused
from services.model import Role, Session, User
from services.sessions import OpenSession, Standing
from services.tokens import PREFIX, NewToken, TokenView
from services.users import ResetLink, UserPage, UserView

NOW = datetime.now(UTC)
ANA = User(id=1, name="ana", role=Role.ADMIN, must_change_password=False)
BO = User(id=2, name="bo", role=Role.CREATOR, must_change_password=False)
NEW = User(id=3, name="cy", role=Role.CREATOR, must_change_password=True)
PASSWORD = "a quiet morning walk"
CHROME = "Chrome on Linux"
IDLE = timedelta(minutes=30)


@dataclass
class FakeAccounts:
    users: dict[str, User] = field(default_factory=lambda: {user.name: user for user in (ANA, BO, NEW)})
    changed: list[tuple[str, str]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)  # token -> name of whom it is for

    def sign_in(self, name: str, password: str, *, address: str) -> User:
        if name not in self.users or password != PASSWORD or not address:
            raise Refused("The name or the password is not right.")
        return self.users[name]

    def change_password(self, user: User, current: str, new: str) -> None:
        if current != PASSWORD:
            raise Refused("The present password is not right.")
        self._set_password(user, new)

    def who_resets(self, token: str) -> str:
        if token not in self.links:
            raise NotFound("This link is not good any more. Ask an admin for a new one.")
        return self.links[token]

    def reset_password(self, token: str, new: str) -> User:
        name = self.who_resets(token)
        self._set_password(self.users[name], new)
        del self.links[token]
        return self.users[name]

    def by_id(self, user_id: int) -> User:
        for user in self.users.values():
            if user.id == user_id:
                return user
        raise NotFound("There is no such user, or it is not yours.")

    def _set_password(self, user: User, new: str) -> None:
        if len(new) < 12:
            raise BadInput("Choose a password of at least 12 characters.")
        self.changed.append((user.name, new))
        self.users[user.name] = replace(user, must_change_password=False)


@dataclass
class FakeSessions:
    tickets: dict[str, User] = field(default_factory=dict)
    live: dict[str, Session] = field(default_factory=dict)
    devices: dict[UUID, OpenSession] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)  # tokens that were verified because somebody is there
    doubted: Callable[[UUID | None], None] = lambda session_id: None

    def hears(self) -> bool:
        return True

    def connected(self) -> bool:
        return True

    def when_doubted(self, tell: Callable[[UUID | None], None]) -> None:
        self.doubted = tell

    def issue_ticket(self, user: User) -> str:
        ticket = f"ticket-{uuid4()}"
        self.tickets[ticket] = user
        return ticket

    def exchange(
        self, ticket: str, *, address: str, user_agent: str, replaces: str | None = None
    ) -> tuple[str, Session]:
        user = self.tickets.pop(ticket, None)
        if user is None:
            raise NotSignedIn("That sign-in took too long or was used already. Please sign in again.")
        if replaces in self.live:
            self.revoke(self.live[replaces])
        return self.open(user, address=address, user_agent=user_agent)

    @overload
    def open(self, user: User) -> str: ...

    @overload
    def open(self, user: User, *, address: str, user_agent: str) -> tuple[str, Session]: ...

    def open(self, user: User, *, address: str | None = None, user_agent: str = "") -> str | tuple[str, Session]:
        """A valid token of this user; with an address, as the service does it: the token and its session."""
        token = f"token-{uuid4()}"
        session = self.put(token, user, address=address or "127.0.0.1")
        return token if address is None else (token, session)

    def put(self, token: str, user: User, *, address: str, ends_in: timedelta = timedelta(hours=12)) -> Session:
        """A session of this user, whose token is this."""
        session = Session(id=uuid4(), user=user, expires_at=NOW + ends_in)
        self.live[token] = session
        self.devices[session.id] = OpenSession(
            id=session.id,
            user_id=user.id,
            device=CHROME,
            address=address,
            created_at=NOW,
            last_seen_at=NOW,
            expires_at=session.expires_at,
        )
        return session

    def verify(self, token: str | None) -> Session:
        session = self.stands(token).session
        self.used.append(token or "")
        return session

    def stands(self, token: str | None) -> Standing:
        session = self.live.get(token or "")
        if session is None or session.expires_at <= datetime.now(UTC):
            raise NotSignedIn("Please sign in.")
        return Standing(session=session, ends_at=min(session.expires_at, datetime.now(UTC) + IDLE))

    def revoke(self, session: Session, *, reason: str = "signed out") -> None:
        self._end({session.id})

    def of_user(self, actor: User, user_id: int) -> tuple[OpenSession, ...]:
        _own_or_admin(actor, user_id, "user")
        return tuple(self.devices[session.id] for session in self._of(user_id))

    def end(self, actor: User, session_id: UUID) -> None:
        found = [session for session in self.live.values() if session.id == session_id]
        _own_or_admin(actor, found[0].user.id if found else 0, "session")
        self._end({session_id} if found else set())

    def end_others(self, session: Session) -> int:
        return self._end({other.id for other in self._of(session.user.id)} - {session.id})

    def end_all(self, actor: User, user_id: int, *, reason: str) -> int:
        _own_or_admin(actor, user_id, "user")
        return self._end({session.id for session in self._of(user_id)})

    def _of(self, user_id: int) -> list[Session]:
        now = datetime.now(UTC)
        return [session for session in self.live.values() if session.user.id == user_id and session.expires_at > now]

    def _end(self, ids: set[UUID]) -> int:
        self.live = {token: session for token, session in self.live.items() if session.id not in ids}
        for session_id in ids:
            self.doubted(session_id)
        return len(ids)


@dataclass
class FakeTokens:
    views: dict[str, tuple[User, TokenView]] = field(default_factory=dict)  # by token

    def create(self, user: User, *, name: str, days: int, session_id: UUID | None = None) -> NewToken:
        if not 1 <= days <= 365:
            raise BadInput("A token lives for 1 to 365 days.")
        if not name.strip():
            raise BadInput("Give the token a name, so that you know it again.")
        token = f"{PREFIX}{uuid4().hex}"
        view = TokenView(
            id=uuid4(),
            name=name.strip(),
            hint=token[-4:],
            created_at=NOW,
            expires_at=NOW + timedelta(days=days),
            last_used_at=None,
        )
        self.views[token] = (user, view)
        return NewToken(token=token, view=view)

    def of_user(self, actor: User, user_id: int) -> tuple[TokenView, ...]:
        _own_or_admin(actor, user_id, "user")
        return tuple(view for user, view in self.views.values() if user.id == user_id)

    def revoke(self, actor: User, token_id: UUID) -> None:
        for token, (user, view) in list(self.views.items()):
            if view.id == token_id:
                _own_or_admin(actor, user.id, "token")
                del self.views[token]
                return
        raise NotFound("There is no such token, or it is not yours.")

    def verify(self, token: str | None) -> Session:
        if token not in self.views:
            raise NotSignedIn("This token is not known, has ended or was revoked. Make a new one on My account.")
        user, view = self.views[token]
        return Session(id=view.id, user=user, expires_at=view.expires_at)


@dataclass
class FakeUsers:
    """Admins only, as the service is; a change of role ends the sessions."""

    accounts: FakeAccounts
    sessions: FakeSessions
    disabled: dict[int, datetime] = field(default_factory=dict)
    told: list[tuple[str, int, str]] = field(default_factory=list)  # what was done, to whom, why

    def find(
        self,
        actor: User,
        *,
        text: str = "",
        role: Role | None = None,
        place: str | None = None,
        limit: int = 50,
    ) -> UserPage:
        rows = [
            self.get(actor, user.id)
            for name, user in sorted(self.accounts.users.items())
            if text.lower() in name and role in (None, user.role) and name > (place or "")
        ]
        return UserPage(rows=tuple(rows[:limit]), next=rows[limit - 1].name if len(rows) > limit else None)

    def get(self, actor: User, user_id: int) -> UserView:
        user = self.accounts.by_id(user_id)
        return UserView(
            id=user.id,
            name=user.name,
            role=user.role,
            disabled_at=self.disabled.get(user_id),
            must_change_password=user.must_change_password,
            created_at=NOW - timedelta(days=30),
            last_seen_at=NOW - timedelta(minutes=4),
            open_sessions=len(self.sessions.of_user(ANA, user_id)),
        )

    def create(self, actor: User, name: str, role: Role) -> ResetLink:
        if name in self.accounts.users:
            raise BadInput(f"There is a user {name} already.")
        user_id = 1 + max(user.id for user in self.accounts.users.values())
        self.accounts.users[name] = User(id=user_id, name=name, role=role, must_change_password=True)
        return self.reset_link(actor, user_id)

    def set_role(self, actor: User, user_id: int, role: Role, *, reason: str) -> None:
        user = self._another(actor, user_id)
        self._note("role changed", user_id, reason)
        self.accounts.users[user.name] = replace(user, role=role)

    def disable(self, actor: User, user_id: int, *, reason: str) -> None:
        self._another(actor, user_id)
        self._note("disabled", user_id, reason)
        self.disabled[user_id] = NOW

    def enable(self, actor: User, user_id: int, *, reason: str) -> None:
        self._another(actor, user_id)
        self._note("enabled", user_id, reason)
        self.disabled.pop(user_id, None)

    def reset_link(self, actor: User, user_id: int) -> ResetLink:
        name = self.accounts.by_id(user_id).name
        self.accounts.links = {token: of for token, of in self.accounts.links.items() if of != name}
        token = f"reset-{uuid4().hex}"
        self.accounts.links[token] = name
        return ResetLink(token=token, expires_at=NOW + timedelta(hours=24))

    def _another(self, actor: User, user_id: int) -> User:
        if actor.id == user_id:
            raise IllegalMove("Another admin has to do this to you.")
        return self.accounts.by_id(user_id)

    def _note(self, what: str, user_id: int, reason: str) -> None:
        if not reason.strip():
            raise BadInput("Say why: it is kept in the history.")
        self.told.append((what, user_id, reason))
        self.sessions.end_all(ANA, user_id, reason=reason)


def _own_or_admin(actor: User, owner_id: int, thing: str) -> None:
    if actor.id != owner_id and (actor.role is not Role.ADMIN or not owner_id):
        raise NotFound(f"There is no such {thing}, or it is not yours.")
