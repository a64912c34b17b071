"""API tokens: kept as digests, with who they let in and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from services.model import Role, User


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
class LiveToken:
    """A token that is neither revoked nor expired, and its user as they are now; stale: its use is to be noted."""

    id: UUID
    user: User
    expires_at: datetime
    stale: bool


_ROW = "id, name, hint, created_at, expires_at, last_used_at"
_LIVES = "revoked_at is null and expires_at > now()"


def count_of_user(connection: Connection, user_id: int) -> int:
    """How many of them live, for whoever holds the user's row."""
    return int(
        connection.execute(
            text(f"select count(*) from api_tokens where user_id = :user_id and {_LIVES}"), {"user_id": user_id}
        ).scalar_one()
    )


def create(
    connection: Connection, *, token_id: UUID, user_id: int, name: str, digest: bytes, hint: str, days: int
) -> TokenView:
    row = connection.execute(
        text(
            "insert into api_tokens (id, user_id, name, digest, hint, expires_at)"
            f" values (:id, :user_id, :name, :digest, :hint, now() + make_interval(days => :days)) returning {_ROW}"
        ),
        {"id": token_id, "user_id": user_id, "name": name, "digest": digest, "hint": hint, "days": days},
    ).one()
    return TokenView(**row._mapping)


def of_user(connection: Connection, user_id: int) -> tuple[TokenView, ...]:
    """Those that live, newest first."""
    rows = connection.execute(
        text(f"select {_ROW} from api_tokens where user_id = :user_id and {_LIVES} order by created_at desc, id"),
        {"user_id": user_id},
    )
    return tuple(TokenView(**row._mapping) for row in rows)


def find_live(connection: Connection, digest: bytes) -> LiveToken | None:
    """The token of a digest, unless its user is disabled."""
    row = connection.execute(
        text(
            "select t.id, t.expires_at, coalesce(t.last_used_at < now() - interval '1 minute', true) as stale,"
            " u.id as user_id, u.name, u.role, u.must_change_password"
            " from api_tokens t join users u on u.id = t.user_id"
            " where t.digest = :digest and t.revoked_at is null and t.expires_at > now() and u.disabled_at is null"
        ),
        {"digest": digest},
    ).one_or_none()
    if row is None:
        return None
    user = User(id=row.user_id, name=row.name, role=Role(row.role), must_change_password=row.must_change_password)
    return LiveToken(id=row.id, user=user, expires_at=row.expires_at, stale=row.stale)


def note_use(connection: Connection, token_id: UUID) -> None:
    connection.execute(text("update api_tokens set last_used_at = now() where id = :id"), {"id": token_id})


def owner(connection: Connection, token_id: UUID) -> int | None:
    """Whose token this is, if it was not revoked."""
    return connection.execute(
        text("select user_id from api_tokens where id = :id and revoked_at is null"), {"id": token_id}
    ).scalar_one_or_none()


def revoke(connection: Connection, token_id: UUID) -> bool:
    """Whether this ended it."""
    ended = connection.execute(
        text("update api_tokens set revoked_at = now() where id = :id and revoked_at is null"), {"id": token_id}
    )
    return ended.rowcount == 1


def revoke_all(connection: Connection, user_id: int) -> tuple[UUID, ...]:
    """The tokens of the user that this ended."""
    rows = connection.execute(
        text(f"update api_tokens set revoked_at = now() where user_id = :user_id and {_LIVES} returning id"),
        {"user_id": user_id},
    )
    return tuple(row.id for row in rows)
