"""Failed sign-ins of late."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """id None: too many have failed, and there is room again in wait seconds. left: how many more there may be."""

    id: int | None
    wait: float
    left: int


def begin(connection: Connection, *, name: str, address: str, seconds: float, of_pair: int, of_address: int) -> Attempt:
    """Note an attempt as failed until it proves to be none. Exact, however many come at once."""
    row = connection.execute(
        text("select * from begin_sign_in(:name, :address, :seconds, :of_pair, :of_address)"),
        {"name": name, "address": address, "seconds": seconds, "of_pair": of_pair, "of_address": of_address},
    ).one()
    return Attempt(id=row.attempt, wait=row.wait, left=row.left_over)


def clear(connection: Connection, *, name: str, address: str) -> None:
    connection.execute(
        text("delete from sign_in_failures where name = :name and address = :address"),
        {"name": name, "address": address},
    )
