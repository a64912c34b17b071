"""Locks that a test holds, so that what runs side by side meets at a known place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import text

from services.database import Database

WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@contextmanager
def held(database: Database, statement: str, what: object) -> Iterator[None]:
    """Holds the rows that the statement locks, :id being what."""
    with database.engine.begin() as connection:
        connection.execute(text(statement), {"id": what})
        yield


def waits(database: Database, count: int, *, unless: Callable[[], bool] = lambda: False) -> None:
    """Returns once so many statements wait for a lock, or once the other holds."""
    until, waiting = time.monotonic() + 10, 0
    with database.statement() as connection:
        while time.monotonic() < until:
            waiting = connection.execute(text(WAITING)).scalar_one()
            if waiting >= count or unless():
                return
            time.sleep(0.01)
    raise AssertionError(f"{waiting} of {count} statements wait for a lock")
