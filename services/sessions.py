"""Sessions: a JWT whose id Redis knows, with a Postgres row behind it."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import redis
import structlog
from sqlalchemy import Connection

from services import keys
from services.database import Database
from services.devices import device_name
from services.errors import NotSignedIn
from services.model import Session, User
from services.permissions import Action, permits, unseen, use_case
from services.records import events, sessions, users
from services.revocations import TRUTH_SECONDS, Revocations
from services.session_tokens import ENDED, decode, encode
from services.settings import Settings
from services.signing import Keys, digest_of

TICKET_SECONDS = 30.0
NOTED_SECONDS = 60.0  # a use that Postgres was told of so lately is not told again
REMEMBERED = 10_000  # checks kept in memory
LOOK = "return {redis.call('get', KEYS[1]), redis.call('pttl', KEYS[1])}"  # one command

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


@dataclass(frozen=True, kw_only=True)
class _Check:
    """What is remembered of a session; all times by the monotonic clock."""

    session: Session
    at: float
    used_at: float  # the last use that Redis or Postgres was told of
    idle_until: float


@dataclass(frozen=True, kw_only=True)
class _Confirmation:
    """When Postgres said that a session stands, and when it was last told of a use; by the monotonic clock."""

    at: float
    told_at: float


class Sessions:
    """Checks each call: the JWT's signature, then Redis, then Postgres where Redis does not know or answer.

    The idle time is Redis's to tell, by the time its key has left; where it cannot, Postgres tells it, by a time of
    use that may be too old and is never too young: no session outlives its idle time.
    """

    def __init__(
        self,
        database: Database,
        client: redis.Redis,
        settings: Settings,
        *,
        secret: str,
        previous: str | None = None,
        revocations: Revocations | None = None,
    ) -> None:
        self._database = database
        self._client = client
        self._idle = settings.session_idle
        self._absolute = settings.session_absolute
        self._truth = min(TRUTH_SECONDS, self._idle / 6)  # so often Postgres is asked, and told of a use
        self._signing = Keys.of(secret, "session", previous=previous)
        self._lock = threading.Lock()
        self._checked: dict[UUID, _Check] = {}
        self._confirmed: dict[UUID, _Confirmation] = {}
        self._ended: OrderedDict[UUID, None] = OrderedDict()  # by this process
        self._forgotten = 0  # how often something was
        self._doubted: Callable[[UUID | None], None] = lambda session_id: None
        self._revocations = revocations or Revocations(client)
        self._revocations.forgotten_by(self._forget)

    @property
    def counted_for(self) -> float:
        """Seconds since the last use that Postgres knows of, for which a session counts as open.

        It may have been used since: rather one too many than one too few.
        """
        return self._idle + self._truth

    def when_doubted(self, tell: Callable[[UUID | None], None]) -> None:
        """Have told, from any thread, of which session or API token is to be checked again at once; None means all."""
        self._doubted = tell

    def hears(self) -> bool:
        """Whether this process learns at once which sessions end."""
        return self._revocations.hears()

    def close(self) -> None:
        self._revocations.close()

    def connected(self) -> bool:
        """The same for whoever only looks: of a silence of Redis it may learn half a minute late."""
        return self._revocations.connected()

    @use_case(Action.ACCOUNT)
    def issue_ticket(self, user: User) -> str:
        """A one-time ticket, good for 30 seconds, that `exchange` turns into a session."""
        ticket = secrets.token_urlsafe(32)
        with self._database.transaction() as connection:
            users.add_ticket(connection, digest=digest_of(ticket), user_id=user.id, seconds=TICKET_SECONDS)
        return ticket

    def exchange(
        self, ticket: str, *, address: str, user_agent: str, replaces: str | None = None
    ) -> tuple[str, Session]:
        """A new session and its JWT; the one whose JWT it replaces ends.

        Raises NotSignedIn for a ticket that is unknown, used or too old.
        """
        session, replaced = None, None
        with self._database.transaction() as connection:
            user_id = users.take_ticket(connection, digest_of(ticket))
            if user_id is not None:
                session = self._create(connection, user_id, address, user_agent)
                replaced = self._replaced(connection, replaces)
        if replaced is not None:
            self.forget([replaced])
        if session is None:
            raise NotSignedIn("That sign-in took too long or was used already. Please sign in again.")
        return self._opened(session)

    @use_case(Action.ACCOUNT)
    def open(self, user: User, *, address: str, user_agent: str) -> tuple[str, Session]:
        """A new session and its JWT, for a user whose password was just checked. Raises NotSignedIn when disabled."""
        with self._database.transaction() as connection:
            session = self._create(connection, user.id, address, user_agent)
        if session is None:
            raise NotSignedIn("This account is disabled. Ask an admin.")
        return self._opened(session)

    def verify(self, token: str | None) -> Session:
        """The session of a JWT, which is in use from now; a session that ended is refused within a second.

        Raises NotSignedIn, Unavailable.
        """
        claimed = decode(token, self._signing)
        now = time.monotonic()
        check = self._checked.get(claimed.id)
        if check is not None and now - check.used_at < self._memory() and now < check.idle_until:
            return check.session
        return self._check(claimed, use=True).session

    def stands(self, token: str | None) -> Standing:
        """The session of a JWT and its end, without counting as use. Raises NotSignedIn, Unavailable."""
        claimed = decode(token, self._signing)
        now = time.monotonic()
        check = self._checked.get(claimed.id)
        if check is None or now - check.at >= self._memory() or now >= check.idle_until:
            check = self._check(claimed, use=False)
        idle_end = datetime.now(UTC) + timedelta(seconds=check.idle_until - time.monotonic())
        return Standing(session=check.session, ends_at=min(check.session.expires_at, idle_end))

    @use_case(Action.ACCOUNT)
    def of_user(self, actor: User, user_id: int) -> tuple[OpenSession, ...]:
        """The sessions that stand, last used first. Raises NotFound for another's, unless an admin asks."""
        _require_account(actor, user_id)
        with self._database.statement() as connection:
            rows = sessions.of_user(connection, user_id, idle_seconds=self.counted_for)
        return tuple(
            OpenSession(
                id=row.id,
                user_id=row.user_id,
                device=device_name(row.user_agent),
                address=row.address,
                created_at=row.created_at,
                last_seen_at=row.last_seen_at,
                expires_at=row.expires_at,
            )
            for row in rows
        )

    def revoke(self, session: Session, *, reason: str = "signed out") -> None:
        """End a session: in Postgres first, then in Redis, then in every process."""
        with self._database.transaction() as connection:
            if sessions.revoke(connection, session.id, reason=reason):
                _note_end(connection, session.user, session.user.id, reason, [session.id])
        self.forget([session.id])

    @use_case(Action.ACCOUNT)
    def end(self, actor: User, session_id: UUID) -> None:
        """End one session. Raises NotFound for another's, unless an admin asks."""
        with self._database.transaction() as connection:
            owner_id = sessions.owner(connection, session_id)
            if owner_id is None or not permits(actor, Action.ACCOUNT, owner_id):
                raise unseen("session")
            reason = "signed out from another session" if owner_id == actor.id else "ended by an admin"
            if sessions.revoke(connection, session_id, reason=reason):
                _note_end(connection, actor, owner_id, reason, [session_id])
        self.forget([session_id])

    def end_others(self, session: Session) -> int:
        """End all sessions of the user but this one; how many."""
        return self._end_all(session.user, session.user.id, "signed out all others", but=session.id)

    @use_case(Action.ACCOUNT)
    def end_all(self, actor: User, user_id: int, *, reason: str) -> int:
        """End all sessions of a user; how many. Raises NotFound for another's, unless an admin asks."""
        _require_account(actor, user_id)
        return self._end_all(actor, user_id, reason)

    def forget(self, ended: Collection[UUID]) -> None:
        """Drop what every process and Redis remember of sessions and API tokens that Postgres has ended."""
        if not ended:
            return
        with self._lock:
            for session_id in ended:
                self._ended[session_id] = None
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
        self._revocations.tell(ended)

    def _end_all(self, actor: User, user_id: int, reason: str, *, but: UUID | None = None) -> int:
        with self._database.transaction() as connection:
            ended = sessions.revoke_all(connection, user_id, reason=reason, but=but)
            if ended:
                _note_end(connection, actor, user_id, reason, ended)
        self.forget(ended)
        return len(ended)

    def _create(self, connection: Connection, user_id: int, address: str, user_agent: str) -> Session | None:
        """A session with an id that nobody outside has seen; None for a user who may not sign in."""
        record = users.find(connection, user_id)
        if record is None or record.disabled:
            return None
        expires_at = datetime.now(UTC) + timedelta(seconds=self._absolute)
        session = Session(id=uuid4(), user=record.user, expires_at=expires_at)
        sessions.create(
            connection,
            session_id=session.id,
            user_id=user_id,
            expires_at=expires_at,
            address=address,
            user_agent=user_agent,
        )
        return session

    def _replaced(self, connection: Connection, token: str | None) -> UUID | None:
        try:
            before = decode(token, self._signing)
        except NotSignedIn:
            return None
        reason = "signed in again"
        if not sessions.revoke(connection, before.id, reason=reason):
            return None
        _note_end(connection, before.user, before.user.id, reason, [before.id])
        return before.id

    def _opened(self, session: Session) -> tuple[str, Session]:
        self._remember_in_redis(session, self._idle)
        return encode(session, self._signing), session

    def _memory(self) -> float:
        """How long a check may be remembered, in seconds: never for much of the idle time."""
        return min(self._revocations.memory_seconds(), self._idle / 4)

    def _check(self, claimed: Session, *, use: bool) -> _Check:
        """Ask Redis, and Postgres where Redis does not know or too long ago was confirmed."""
        with self._lock:
            if claimed.id in self._ended:
                raise NotSignedIn(ENDED)
            before, confirmed, forgotten = (
                self._checked.get(claimed.id),
                self._confirmed.get(claimed.id),
                self._forgotten,
            )
        now = time.monotonic()
        session = claimed
        try:
            idle_left, answers = self._ask_redis(claimed, use=use), True
        except redis.RedisError as error:
            log.warning("session_check_without_redis", reason=type(error).__name__)
            idle_left, answers = None, False
        if idle_left is None or confirmed is None or self._is_due(confirmed, now, use=use):
            session, used_ago = self._confirm(claimed, idle_is_known=idle_left is not None, use=use)
            if idle_left is None:
                idle_left = self._idle if use else self._idle - used_ago
                if answers:
                    self._remember_in_redis(session, idle_left)
        used_at = now if use else before.used_at if before is not None else -math.inf
        check = _Check(session=session, at=now, used_at=used_at, idle_until=now + idle_left)
        with self._lock:
            if len(self._checked) > REMEMBERED:
                self._checked.clear()
                self._confirmed.clear()
            if self._forgotten == forgotten:  # else it may have ended since it was asked for
                self._checked[session.id] = check
        return check

    def _is_due(self, confirmed: _Confirmation, now: float, *, use: bool) -> bool:
        return now - confirmed.at >= self._truth or (use and now - confirmed.told_at >= self._truth)

    def _confirm(self, claimed: Session, *, idle_is_known: bool, use: bool) -> tuple[Session, float]:
        """What Postgres says, and the seconds since the use that it knows of.

        Raises NotSignedIn when the session does not stand.
        """
        with self._lock:
            forgotten = self._forgotten
        with self._database.statement() as connection:
            record = sessions.find_live(connection, claimed.id, idle_seconds=None if idle_is_known else self._idle)
            stands = record is not None and record.user.id == claimed.user.id
            used_ago = record.used_ago if record is not None else math.inf
            if stands and use and used_ago >= min(NOTED_SECONDS, self._truth / 5):
                sessions.note_use(connection, claimed.id)
                used_ago = 0.0
        if record is None or not stands:
            if idle_is_known:
                self._revocations.bury(claimed.id)
            raise NotSignedIn(ENDED)
        now = time.monotonic()
        with self._lock:
            if claimed.id in self._ended:  # while Postgres was asked
                raise NotSignedIn(ENDED)
            if self._forgotten == forgotten:
                self._confirmed[claimed.id] = _Confirmation(at=now, told_at=now - used_ago)
        return Session(id=record.id, user=record.user, expires_at=record.expires_at), used_ago

    def _ask_redis(self, session: Session, *, use: bool) -> float | None:
        """The seconds of idle time that are left; None when Redis does not know the session."""
        key, known = keys.session(session.id), str(session.user.id).encode()
        if use:
            return self._idle if self._client.getex(key, px=self._milliseconds(self._idle)) == known else None
        value, left = self._client.eval(LOOK, 1, key)
        return left / 1000 if value == known and left > 0 else None

    def _remember_in_redis(self, session: Session, seconds: float) -> None:
        """Unless Redis holds that it ended: then whoever read it from Postgres read it a moment too early."""
        try:
            self._client.set(keys.session(session.id), session.user.id, px=self._milliseconds(seconds), nx=True)
        except redis.RedisError as error:
            log.warning("session_not_in_redis", reason=type(error).__name__)

    def _milliseconds(self, seconds: float) -> int:
        return max(1, int(seconds * 1000))

    def _forget(self, session_id: UUID | None) -> None:
        with self._lock:
            self._forgotten += 1
            if session_id is None:
                self._checked.clear()
                self._confirmed.clear()
            else:
                self._checked.pop(session_id, None)
                self._confirmed.pop(session_id, None)
        self._doubted(session_id)


def _require_account(actor: User, owner_id: int) -> None:
    if not permits(actor, Action.ACCOUNT, owner_id):
        raise unseen("user")


def _note_end(connection: Connection, actor: User, owner_id: int, reason: str, ended: Collection[UUID]) -> None:
    events.append(
        connection,
        actor=f"user:{actor.id}",
        action="session ended",
        user_id=owner_id,
        reason=reason,
        details={"sessions": [str(session_id) for session_id in ended]},
    )
