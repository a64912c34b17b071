"""The edge to Postgres: one engine, one transaction at the boundary, migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import alembic.command
import alembic.config
import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.errors import IllegalMove, Unavailable

ILLEGAL_MOVE = "BL001"  # raised by the guards of the first migration


class Database:
    """Hands out connections; translates the driver's errors.

    Settings for a transaction pooler: no prepared statements, a ping before use (research: Neon, PgBouncer).
    """

    def __init__(self, url: str) -> None:
        self.engine: Engine = sqlalchemy.create_engine(
            url,
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=10,
            pool_timeout=10,
            pool_recycle=240,
            connect_args={"prepare_threshold": None, "connect_timeout": 5},
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back on any error.

        Raises Unavailable when Postgres does not answer, IllegalMove when a guard refuses.
        """
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def statement(self) -> Iterator[Connection]:
        """A connection on which each statement is a transaction of its own, in one round trip. Raises as above."""
        with _translated(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable("The database does not answer. Nothing was changed: try again in a moment.") from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == ILLEGAL_MOVE:
            raise IllegalMove(str(error.orig)) from error
        if error.connection_invalidated:
            raise Unavailable("The database does not answer. Nothing was changed: try again in a moment.") from error
        raise


def upgrade(database_url: str) -> None:
    """Bring the schema to the newest migration. Raises Unavailable."""
    database = Database(database_url)
    try:
        with database.transaction() as connection:
            config = alembic.config.Config()
            config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
    finally:
        database.close()
