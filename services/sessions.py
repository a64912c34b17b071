"""Sessions: a JWT whose id Redis knows, with a Postgres row behind it."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import redis
import structlog

from services import keys
from services.database import Database
from services.errors import NotSignedIn
from services.model import Role, Session, User
from services.permissions import Action, use_case
from services.records import events, sessions, users
from services.settings import Settings
from services.signing import derived_key

ISSUER = "backlot"
AUDIENCE = "backlot console"
TICKET_SECONDS = 30.0
MEMORY_SECONDS = 1.0  # how long a check may be old
HEARD_MEMORY_SECONDS = 10.0  # the same while this process hears which sessions end
REMEMBERED = 10_000  # checks kept in memory
TRUTH_SECONDS = 300.0  # how often Postgres is told that a session is in use, and asked whether it stands

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A session that stands, and when it ends if nobody uses it."""

    session: Session
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class OpenSession:
    """A sign-in as its owner sees it. last_seen_at may be five minutes old."""

    id: UUID
    user_id: int
    device: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class Sessions:
    """Checks each call: the JWT's signature, then Redis, then Postgres where Redis does not know or answer."""

    def __init__(self, database: Database, client: redis.Redis, settings: Settings, *, secret: str) -> None:
        self._database = database
        self._client = client
        self._idle = settings.session_idle
        self._absolute = settings.session_absolute
        self._key = derived_key(secret, "session")
        self._lock = threading.Lock()
        self._checked: dict[UUID, tuple[float, Session]] = {}
        self._confirmed: dict[UUID, float] = {}
        self._ended: OrderedDict[UUID, None] = OrderedDict()  # by this process
        self._revocations = 0  # made or heard
        self._hears: Callable[[], bool] = lambda: False
        self._doubted: Callable[[UUID | None], None] = lambda session_id: None

    def heard_by(self, hears: Callable[[], bool]) -> None:
        """Whoever hands revocations over, and whether they hear now: then checks need not be asked for so often."""
        self._hears = hears

    def when_doubted(self, tell: Callable[[UUID | None], None]) -> None:
        """Have told, from any thread, of which session is to be verified again at once; None means all."""
        self._doubted = tell

    def hears(self) -> bool:
        """Whether this process learns at once which sessions end."""
        return self._hears()

    def issue_ticket(self, user: User) -> str:
        """A one-time ticket, good for 30 seconds, that `exchange` turns into a session."""
        ticket = secrets.token_urlsafe(32)
        with self._database.transaction() as connection:
            users.add_ticket(connection, digest=_digest(ticket), user_id=user.id, seconds=TICKET_SECONDS)
        return ticket

    def exchange(
        self, ticket: str, *, address: str, user_agent: str, replaces: str | None = None
    ) -> tuple[str, Session]:
        """A new session and its JWT; the one whose JWT it replaces ends.

        Raises NotSignedIn for a ticket that is unknown, used or too old.
        """
        session_id = uuid4()
        expires_at = datetime.now(UTC) + timedelta(seconds=self._absolute)
        with self._database.transaction() as connection:
            user_id = users.take_ticket(connection, _digest(ticket))
            record = None if user_id is None else users.find(connection, user_id)
            if record is not None and not record.disabled:
                sessions.create(
                    connection,
                    session_id=session_id,
                    user_id=record.user.id,
                    expires_at=expires_at,
                    address=address,
                    user_agent=user_agent,
                )
        if record is None or record.disabled:
            raise NotSignedIn("That sign-in took too long or was used already. Please sign in again.")
        session = Session(id=session_id, user=record.user, expires_at=expires_at)
        self._remember_in_redis(session)
        return self._encode(session), session

    def verify(self, token: str | None) -> Session:
        """The session of a JWT, as far as is known a second after a revocation. Raises NotSignedIn, Unavailable."""
        claimed = self._decode(token)
        now = time.monotonic()
        hears = self._hears()
        with self._lock:
            checked = self._checked.get(claimed.id)
            confirmed = self._confirmed.get(claimed.id, -TRUTH_SECONDS)
            revocations = self._revocations
        if checked is not None and now - checked[0] < (HEARD_MEMORY_SECONDS if hears else MEMORY_SECONDS):
            return checked[1]
        session = claimed
        if now - confirmed >= TRUTH_SECONDS or not self._redis_knows(claimed):
            session = self._confirm(claimed)
        with self._lock:
            if len(self._checked) > REMEMBERED:
                self._checked.clear()
                self._confirmed.clear()
            if self._revocations == revocations:  # else it may have been revoked since it was asked for
                self._checked[session.id] = (now, session)
        return session

    def open(self, user: User, *, address: str, user_agent: str) -> tuple[str, Session]:
        """A new session and its JWT, for a user whose password was just checked. Raises NotSignedIn when disabled."""
        raise NotImplementedError

    def stands(self, token: str | None) -> Standing:
        """The session of a JWT and its end, without counting as use. Raises NotSignedIn, Unavailable."""
        raise NotImplementedError

    @use_case(Action.ACCOUNT)
    def of_user(self, actor: User, user_id: int) -> tuple[OpenSession, ...]:
        """The sessions that stand, last used first. Raises NotFound for another's, unless an admin asks."""
        raise NotImplementedError

    @use_case(Action.ACCOUNT)
    def end(self, actor: User, session_id: UUID) -> None:
        """End one session. Raises NotFound for another's, unless an admin asks."""
        raise NotImplementedError

    def end_others(self, session: Session) -> int:
        """End all sessions of the user but this one; how many."""
        raise NotImplementedError

    @use_case(Action.ACCOUNT)
    def end_all(self, actor: User, user_id: int, *, reason: str) -> int:
        """End all sessions of a user; how many. Raises NotFound for another's, unless an admin asks."""
        raise NotImplementedError

    def revoke(self, session: Session, *, reason: str = "signed out") -> None:
        """End a session: in Postgres first, then in Redis, then in this process."""
        with self._database.transaction() as connection:
            sessions.revoke(connection, session.id, reason=reason)
            events.append(
                connection,
                actor=f"user:{session.user.id}",
                action="session ended",
                user_id=session.user.id,
                reason=reason,
            )
        self.forget(session.id)

    def _confirm(self, claimed: Session) -> Session:
        """Ask Postgres. Raises NotSignedIn when the session does not stand."""
        with self._database.transaction() as connection:
            record = sessions.find_live(connection, claimed.id, idle_seconds=self._idle)
        if record is None or record.user.id != claimed.user.id:
            self.forget(claimed.id)
            raise NotSignedIn("Your session has ended. Please sign in again.")
        session = Session(id=record.id, user=record.user, expires_at=record.expires_at)
        with self._lock:
            if session.id in self._ended:  # while Postgres was asked
                raise NotSignedIn("Your session has ended. Please sign in again.")
            self._confirmed[session.id] = time.monotonic()
        self._remember_in_redis(session)
        return session

    def _redis_knows(self, session: Session) -> bool:
        try:
            return self._client.getex(keys.session(session.id), ex=int(self._idle)) is not None
        except redis.RedisError as error:
            log.warning("session_check_without_redis", reason=type(error).__name__)
            return False

    def _remember_in_redis(self, session: Session) -> None:
        try:
            self._client.set(keys.session(session.id), session.user.id, ex=int(self._idle))
        except redis.RedisError as error:
            log.warning("session_not_in_redis", reason=type(error).__name__)

    def forget(self, session_id: UUID) -> None:
        """Drop what every process and Redis remember of a session that Postgres has ended."""
        self._forget_here(session_id)
        try:
            self._client.delete(keys.session(session_id))
            self._client.publish(keys.revocations(), str(session_id))
        except redis.RedisError as error:
            log.warning("session_left_in_redis", reason=type(error).__name__)

    def _forget_here(self, session_id: UUID) -> None:
        with self._lock:
            self._revocations += 1
            self._ended[session_id] = None
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
            self._checked.pop(session_id, None)
            self._confirmed.pop(session_id, None)
        self._doubted(session_id)

    def hear_revocation(self, data: object) -> None:
        """Anybody may publish one: it costs the session a look at Postgres, and no more."""
        session_id = UUID(data.decode() if isinstance(data, bytes) else str(data))
        with self._lock:
            self._revocations += 1
            self._checked.pop(session_id, None)
            self._confirmed.pop(session_id, None)
        self._doubted(session_id)

    def forget_checks(self) -> None:
        """What ended while this process did not hear is not known here."""
        with self._lock:
            self._revocations += 1
            self._checked.clear()
        self._doubted(None)

    def _encode(self, session: Session) -> str:
        return jwt.encode(
            {
                "jti": str(session.id),
                "sub": str(session.user.id),
                "name": session.user.name,
                "role": session.user.role.value,
                "choose_password": session.user.must_change_password,
                "iat": datetime.now(UTC),
                "exp": session.expires_at,
                "iss": ISSUER,
                "aud": AUDIENCE,
            },
            self._key,
            algorithm="HS256",
        )

    def _decode(self, token: str | None) -> Session:
        if not token:
            raise NotSignedIn("Please sign in.")
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": ["jti", "sub", "exp", "iat", "iss", "aud"]},
            )
            user = User(
                id=int(claims["sub"]),
                name=str(claims["name"]),
                role=Role(claims["role"]),
                must_change_password=bool(claims["choose_password"]),
            )
            return Session(id=UUID(claims["jti"]), user=user, expires_at=datetime.fromtimestamp(claims["exp"], tz=UTC))
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise NotSignedIn("Your session has ended. Please sign in again.") from error


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
