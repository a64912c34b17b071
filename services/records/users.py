"""Users, their sign-in tickets and failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from services.model import Role, User


@dataclass(frozen=True, kw_only=True)
class UserRecord:
    """A user with what sign-in needs."""

    user: User
    password_hash: str
    disabled: bool


_COLUMNS = "id, name, role, must_change_password, password_hash, disabled_at is not null as disabled"


def _record(row: Row[Any] | None) -> UserRecord | None:
    if row is None:
        return None
    user = User(id=row.id, name=row.name, role=Role(row.role), must_change_password=row.must_change_password)
    return UserRecord(user=user, password_hash=row.password_hash, disabled=row.disabled)


def find_by_name(connection: Connection, name: str) -> UserRecord | None:
    query = text(f"select {_COLUMNS} from users where name = :name")
    return _record(connection.execute(query, {"name": name}).one_or_none())


def find(connection: Connection, user_id: int) -> UserRecord | None:
    query = text(f"select {_COLUMNS} from users where id = :id")
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


def count_failures(connection: Connection, *, name: str, address: str, seconds: float) -> tuple[int, float]:
    """How many sign-ins failed in the last seconds, and in how many seconds the oldest of them is forgotten."""
    row = connection.execute(
        text(
            "select count(*) as failures,"
            " coalesce(extract(epoch from min(at) + make_interval(secs => :seconds) - now()), 0)::float8 as wait"
            " from sign_in_failures"
            " where name = :name and address = :address and at > now() - make_interval(secs => :seconds)"
        ),
        {"name": name, "address": address, "seconds": seconds},
    ).one()
    return row.failures, row.wait


def add_failure(connection: Connection, *, name: str, address: str) -> None:
    """Note a failure, and forget those of more than a day ago."""
    connection.execute(text("delete from sign_in_failures where at < now() - interval '1 day'"))
    connection.execute(
        text("insert into sign_in_failures (name, address) values (:name, :address)"),
        {"name": name, "address": address},
    )


def clear_failures(connection: Connection, *, name: str, address: str) -> None:
    connection.execute(
        text("delete from sign_in_failures where name = :name and address = :address"),
        {"name": name, "address": address},
    )


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
