"""Sessions: the Postgres rows behind what Redis keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from services.model import Role, User


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """A session that is neither revoked nor expired, of a user who is not disabled, at the user's present version."""

    id: UUID
    user: User
    expires_at: datetime


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


def find_live(connection: Connection, session_id: UUID, *, idle_seconds: float) -> SessionRecord | None:
    """The session if it stands; notes that it was seen, at most once a minute."""
    row = connection.execute(
        text(
            "select s.id, s.expires_at, s.last_seen_at < now() - interval '1 minute' as stale,"
            " u.id as user_id, u.name, u.role, u.must_change_password"
            " from sessions s join users u on u.id = s.user_id"
            " where s.id = :id and s.revoked_at is null and s.expires_at > now()"
            " and s.last_seen_at > now() - make_interval(secs => :idle)"
            " and u.disabled_at is null and u.version = s.user_version"
        ),
        {"id": session_id, "idle": idle_seconds},
    ).one_or_none()
    if row is None:
        return None
    if row.stale:
        connection.execute(text("update sessions set last_seen_at = now() where id = :id"), {"id": session_id})
    user = User(id=row.user_id, name=row.name, role=Role(row.role), must_change_password=row.must_change_password)
    return SessionRecord(id=row.id, user=user, expires_at=row.expires_at)


def revoke(connection: Connection, session_id: UUID, *, reason: str) -> None:
    connection.execute(
        text("update sessions set revoked_at = now(), revoked_reason = :reason where id = :id and revoked_at is null"),
        {"id": session_id, "reason": reason},
    )


def revoke_all(connection: Connection, user_id: int, *, reason: str) -> tuple[UUID, ...]:
    """The sessions of the user that this ended."""
    rows = connection.execute(
        text(
            "update sessions set revoked_at = now(), revoked_reason = :reason"
            " where user_id = :user_id and revoked_at is null and expires_at > now() returning id"
        ),
        {"user_id": user_id, "reason": reason},
    )
    return tuple(row.id for row in rows)
