"""Limits of one person that differ from everybody's, and how often which limit refused whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from services.model import LimitName


@dataclass(frozen=True, kw_only=True)
class OverrideRow:
    """set_by is a name."""

    user_id: int
    name: LimitName
    value: int
    reason: str
    until: datetime
    set_by: str
    set_at: datetime


@dataclass(frozen=True, kw_only=True)
class RefusalsRow:
    """How often a limit refused a user within the minute that begins at a time."""

    minute: datetime
    user_id: int
    name: LimitName
    refused: int


_OVERRIDES = (
    "select o.user_id, o.limit_name, o.value, o.reason, o.until, u.name as set_by, o.set_at"
    " from limit_overrides o join users u on u.id = o.set_by where o.until > clock_timestamp()"
)


def of_user(connection: Connection, user_id: int) -> tuple[OverrideRow, ...]:
    """Those that hold now."""
    return _rows(connection, f"{_OVERRIDES} and o.user_id = :user_id order by o.limit_name", {"user_id": user_id})


def of_requests(connection: Connection) -> tuple[OverrideRow, ...]:
    """Everybody's that hold now, of the requests of a minute."""
    return _rows(connection, f"{_OVERRIDES} and o.limit_name = 'requests'", {})


def put(
    connection: Connection, user_id: int, name: LimitName, *, value: int, reason: str, until: datetime, set_by: int
) -> None:
    connection.execute(
        text(
            "insert into limit_overrides (user_id, limit_name, value, reason, until, set_by)"
            " values (:user_id, :name, :value, :reason, :until, :set_by)"
            " on conflict (user_id, limit_name) do update set value = excluded.value, reason = excluded.reason,"
            " until = excluded.until, set_by = excluded.set_by, set_at = now()"
        ),
        {"user_id": user_id, "name": name, "value": value, "reason": reason, "until": until, "set_by": set_by},
    )


def delete(connection: Connection, user_id: int, name: LimitName) -> None:
    connection.execute(
        text("delete from limit_overrides where user_id = :user_id and limit_name = :name"),
        {"user_id": user_id, "name": name},
    )


def add_refusals(connection: Connection, counts: Mapping[tuple[datetime, int, LimitName], int]) -> None:
    """Add to what was counted of each minute, user and limit."""
    connection.execute(
        text(
            "insert into limit_refusals (minute, user_id, limit_name, refused)"
            " values (:minute, :user_id, :name, :refused)"
            " on conflict (minute, user_id, limit_name)"
            " do update set refused = limit_refusals.refused + excluded.refused"
        ),
        [
            {"minute": minute, "user_id": user_id, "name": name, "refused": refused}
            for (minute, user_id, name), refused in sorted(counts.items())
        ],
    )


def refusals(connection: Connection, *, since: datetime) -> tuple[RefusalsRow, ...]:
    """The oldest first."""
    rows = connection.execute(
        text(
            "select minute, user_id, limit_name, refused from limit_refusals where minute >= :since"
            " order by minute, user_id, limit_name"
        ),
        {"since": since},
    )
    return tuple(
        RefusalsRow(minute=row.minute, user_id=row.user_id, name=LimitName(row.limit_name), refused=row.refused)
        for row in rows
    )


def _rows(connection: Connection, query: str, values: Mapping[str, object]) -> tuple[OverrideRow, ...]:
    return tuple(
        OverrideRow(
            user_id=row.user_id,
            name=LimitName(row.limit_name),
            value=row.value,
            reason=row.reason,
            until=row.until,
            set_by=row.set_by,
            set_at=row.set_at,
        )
        for row in connection.execute(text(query), dict(values))
    )
