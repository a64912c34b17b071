"""Users and their sign-in tickets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from services.model import Role, User


@dataclass(frozen=True, kw_only=True)
class UserRecord:
    """A user with what sign-in needs."""

    user: User
    password_hash: str
    disabled: bool


@dataclass(frozen=True, kw_only=True)
class UserView:
    """A user as admins see them; open_sessions are those used of late."""

    id: int
    name: str
    role: Role
    disabled_at: datetime | None
    must_change_password: bool
    created_at: datetime
    last_seen_at: datetime | None
    open_sessions: int


_COLUMNS = "id, name, role, must_change_password, password_hash, disabled_at is not null as disabled"


def _record(row: Row[Any] | None) -> UserRecord | None:
    if row is None:
        return None
    user = User(id=row.id, name=row.name, role=Role(row.role), must_change_password=row.must_change_password)
    return UserRecord(user=user, password_hash=row.password_hash, disabled=row.disabled)


def find_by_name(connection: Connection, name: str) -> UserRecord | None:
    query = text(f"select {_COLUMNS} from users where name = :name")
    return _record(connection.execute(query, {"name": name}).one_or_none())


def find(connection: Connection, user_id: int, *, hold: bool = False) -> UserRecord | None:
    """The user; hold: as they stay until the end of the transaction."""
    query = text(f"select {_COLUMNS} from users where id = :id {'for update' if hold else ''}")
    return _record(connection.execute(query, {"id": user_id}).one_or_none())


def first_admin(connection: Connection) -> UserRecord | None:
    query = text(f"select {_COLUMNS} from users where role = 'admin' and disabled_at is null order by id limit 1")
    return _record(connection.execute(query).one_or_none())


def create(connection: Connection, *, name: str, role: Role, password_hash: str) -> int | None:
    """The id of the new user, or None when the name is taken."""
    return connection.execute(
        text(
            "insert into users (name, role, password_hash) values (:name, :role, :hash)"
            " on conflict (name) do nothing returning id"
        ),
        {"name": name, "role": role, "hash": password_hash},
    ).scalar_one_or_none()


def set_password(connection: Connection, user_id: int, password_hash: str) -> None:
    """Set a password; sessions of the version before end."""
    connection.execute(
        text(
            "update users set password_hash = :hash, must_change_password = false, version = version + 1 where id = :id"
        ),
        {"id": user_id, "hash": password_hash},
    )


def set_role(connection: Connection, user_id: int, role: Role) -> None:
    """Sessions of the version before end."""
    connection.execute(
        text("update users set role = :role, version = version + 1 where id = :id"), {"id": user_id, "role": role}
    )


def set_disabled(connection: Connection, user_id: int, *, disabled: bool) -> None:
    """Sessions of the version before end."""
    connection.execute(
        text("update users set disabled_at = case when :disabled then now() end, version = version + 1 where id = :id"),
        {"id": user_id, "disabled": disabled},
    )


def hold_admins(connection: Connection) -> frozenset[int]:
    """The admins who may sign in; until the end of the transaction nobody takes that from them."""
    rows = connection.execute(
        text("select id from users where role = 'admin' and disabled_at is null order by id for update")
    )
    return frozenset(row.id for row in rows)


def search(
    connection: Connection,
    *,
    idle_seconds: float,
    user_id: int | None = None,
    name_part: str = "",
    role: Role | None = None,
    after: str = "",
    limit: int = 1,
) -> tuple[UserView, ...]:
    """Users by name, from the name after on."""
    rows = connection.execute(
        text(
            "select u.id, u.name, u.role, u.disabled_at, u.must_change_password, u.created_at,"
            " s.last_seen_at, s.open_sessions from users u cross join lateral ("
            " select max(last_seen_at) as last_seen_at, count(*) filter (where revoked_at is null"
            " and expires_at > now() and u.disabled_at is null and u.version = user_version"
            " and last_seen_at > now() - make_interval(secs => :idle)) as open_sessions"
            " from sessions where user_id = u.id) s"
            " where (cast(:user_id as bigint) is null or u.id = :user_id)"
            " and (cast(:role as text) is null or u.role = :role)"
            " and u.name > :after and position(:part in u.name) > 0 order by u.name limit :limit"
        ),
        {
            "idle": idle_seconds,
            "user_id": user_id,
            "part": name_part,
            "role": role,
            "after": after,
            "limit": limit,
        },
    )
    return tuple(UserView(**{**row._mapping, "role": Role(row.role)}) for row in rows)


def add_ticket(connection: Connection, *, digest: bytes, user_id: int, seconds: float) -> None:
    connection.execute(
        text(
            "insert into tickets (digest, user_id, expires_at)"
            " values (:digest, :user_id, now() + make_interval(secs => :seconds))"
        ),
        {"digest": digest, "user_id": user_id, "seconds": seconds},
    )


def take_ticket(connection: Connection, digest: bytes) -> int | None:
    """The user of an unexpired ticket, which is gone after this."""
    connection.execute(text("delete from tickets where expires_at < now()"))
    return connection.execute(
        text("delete from tickets where digest = :digest returning user_id"), {"digest": digest}
    ).scalar_one_or_none()


def drop_tickets(connection: Connection, user_id: int) -> None:
    connection.execute(text("delete from tickets where user_id = :user_id"), {"user_id": user_id})
