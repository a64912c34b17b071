"""Sessions: the Postgres rows behind what Redis keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from services.model import Role, User


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """A session that is neither revoked nor expired, of a user who is not disabled, at the user's present version.

    used_ago is in seconds, as far as Postgres was told.
    """

    id: UUID
    user: User
    expires_at: datetime
    used_ago: float


@dataclass(frozen=True, kw_only=True)
class SessionRow:
    id: UUID
    user_id: int
    address: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


_STANDS = "s.revoked_at is null and s.expires_at > now() and u.disabled_at is null and u.version = s.user_version"


def create(
    connection: Connection, *, session_id: UUID, user_id: int, expires_at: datetime, address: str, user_agent: str
) -> None:
    connection.execute(
        text(
            "insert into sessions (id, user_id, user_version, expires_at, address, user_agent)"
            " select :id, id, version, :expires_at, :address, :user_agent from users where id = :user_id"
        ),
        {
            "id": session_id,
            "user_id": user_id,
            "expires_at": expires_at,
            "address": address[:200],
            "user_agent": user_agent[:500],
        },
    )


def find_live(connection: Connection, session_id: UUID, *, idle_seconds: float | None) -> SessionRecord | None:
    """The session if it stands; idle_seconds None: whether it was used is known from elsewhere."""
    row = connection.execute(
        text(
            "select s.id, s.expires_at, extract(epoch from now() - s.last_seen_at)::float8 as used_ago,"
            " u.id as user_id, u.name, u.role, u.must_change_password"
            f" from sessions s join users u on u.id = s.user_id where s.id = :id and {_STANDS}"
            " and (cast(:idle as float8) is null or s.last_seen_at > now() - make_interval(secs => :idle))"
        ),
        {"id": session_id, "idle": idle_seconds},
    ).one_or_none()
    if row is None:
        return None
    user = User(id=row.user_id, name=row.name, role=Role(row.role), must_change_password=row.must_change_password)
    return SessionRecord(id=row.id, user=user, expires_at=row.expires_at, used_ago=row.used_ago)


def note_use(connection: Connection, session_id: UUID) -> None:
    connection.execute(text("update sessions set last_seen_at = now() where id = :id"), {"id": session_id})


def owner(connection: Connection, session_id: UUID) -> int | None:
    """Whose session this is, if it has not ended."""
    return connection.execute(
        text("select user_id from sessions where id = :id and revoked_at is null"), {"id": session_id}
    ).scalar_one_or_none()


def of_user(connection: Connection, user_id: int, *, idle_seconds: float) -> tuple[SessionRow, ...]:
    """Those that stand and were used within the seconds, last used first."""
    rows = connection.execute(
        text(
            "select s.id, s.user_id, s.address, s.user_agent, s.created_at, s.last_seen_at, s.expires_at"
            f" from sessions s join users u on u.id = s.user_id where s.user_id = :user_id and {_STANDS}"
            " and s.last_seen_at > now() - make_interval(secs => :idle) order by s.last_seen_at desc, s.id"
        ),
        {"user_id": user_id, "idle": idle_seconds},
    )
    return tuple(SessionRow(**row._mapping) for row in rows)


def revoke(connection: Connection, session_id: UUID, *, reason: str) -> bool:
    """Whether this ended it."""
    ended = connection.execute(
        text("update sessions set revoked_at = now(), revoked_reason = :reason where id = :id and revoked_at is null"),
        {"id": session_id, "reason": reason},
    )
    return ended.rowcount == 1


def revoke_all(connection: Connection, user_id: int, *, reason: str, but: UUID | None = None) -> tuple[UUID, ...]:
    """The sessions of the user that this ended."""
    rows = connection.execute(
        text(
            "update sessions set revoked_at = now(), revoked_reason = :reason where user_id = :user_id"
            " and revoked_at is null and expires_at > now() and id is distinct from cast(:but as uuid) returning id"
        ),
        {"user_id": user_id, "reason": reason, "but": but},
    )
    return tuple(row.id for row in rows)
