"""Links that set a password, kept as digests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, kw_only=True)
class ResetRow:
    """A link that is good now, and whom it is for."""

    user_id: int
    name: str
    created_by: int


def replace(connection: Connection, *, digest: bytes, user_id: int, created_by: int, hours: int) -> datetime:
    """Keep a link in place of any that the user has; when it ends."""
    drop(connection, user_id)
    expires_at: datetime = connection.execute(
        text(
            "insert into reset_links (digest, user_id, created_by, expires_at)"
            " values (:digest, :user_id, :created_by, now() + make_interval(hours => :hours)) returning expires_at"
        ),
        {"digest": digest, "user_id": user_id, "created_by": created_by, "hours": hours},
    ).scalar_one()
    return expires_at


def drop(connection: Connection, user_id: int) -> None:
    """No link of the user is good any more. Whoever makes one meanwhile waits, so that one is left."""
    connection.execute(text("select from users where id = :user_id for update"), {"user_id": user_id})
    connection.execute(text("delete from reset_links where user_id = :user_id"), {"user_id": user_id})


def find(connection: Connection, digest: bytes) -> ResetRow | None:
    """The link, unless it is too old or its user is disabled."""
    row = connection.execute(
        text(
            "select l.user_id, u.name, l.created_by from reset_links l join users u on u.id = l.user_id"
            " where l.digest = :digest and l.expires_at > now() and u.disabled_at is null"
        ),
        {"digest": digest},
    ).one_or_none()
    return None if row is None else ResetRow(**row._mapping)


def use_up(connection: Connection, digest: bytes) -> bool:
    """Whether it was good until now."""
    used = connection.execute(
        text("delete from reset_links where digest = :digest and expires_at > now()"), {"digest": digest}
    )
    return used.rowcount == 1
