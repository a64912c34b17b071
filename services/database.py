"""The edge to Postgres: one engine, one transaction at the boundary, migrations."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import alembic.command
import alembic.config
import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, PoolProxiedConnection, event
from sqlalchemy.exc import DataError, DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from services.errors import BadInput, IllegalMove, Unavailable

NO_ANSWER = "The database does not answer. Try again in a moment."
IDLE_SECONDS = 30.0  # after which a pooled connection is asked whether it lives
ILLEGAL_MOVE = "BL001"  # raised by the guards of the first migration


class Database:
    """Hands out connections; translates the driver's errors.

    Settings for a transaction pooler: no prepared statements, a connection looked at before use (research: Neon,
    PgBouncer).
    """

    def __init__(self, url: str) -> None:
        self.engine: Engine = sqlalchemy.create_engine(
            url,
            hide_parameters=True,  # an error's text goes to logs, and parameters hold names and hashes
            pool_size=10,  # kept once opened: a new connection costs five round trips
            max_overflow=5,
            pool_timeout=5,
            pool_recycle=240,
            connect_args={
                "prepare_threshold": None,
                "connect_timeout": 5,
                "tcp_user_timeout": 10_000,
                "keepalives_idle": 30,
                "keepalives_interval": 5,
                "keepalives_count": 3,
            },
        )
        event.listen(self.engine, "checkout", _require_open)
        event.listen(self.engine, "checkin", _note_use)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back on any error.

        Raises Unavailable when Postgres does not answer, IllegalMove when a guard refuses, BadInput for a value that
        cannot be kept.
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


def _require_open(connection: psycopg.Connection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Refuse a pooled connection that the server has closed: the pool opens new ones.

    An idle connection has nothing to read, so a look at the socket tells of a server that went, without a round trip.
    Of a network that went only an answer tells: after some idle time one is asked for.
    """
    readable = select.poll()
    readable.register(connection.fileno(), select.POLLIN)
    if readable.poll(0):
        raise InvalidatePoolError()
    if time.monotonic() - record.info.get("used_at", time.monotonic()) > IDLE_SECONDS:
        try:
            connection.autocommit = True
            connection.execute("select 1")
            connection.autocommit = False
        except psycopg.Error as error:
            raise InvalidatePoolError() from error


def _note_use(_connection: psycopg.Connection, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable(NO_ANSWER) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == ILLEGAL_MOVE:
            raise IllegalMove("Its state has changed in the meantime. Look at it again.") from error
        if isinstance(error, DataError):
            raise BadInput("This holds characters or numbers that cannot be kept. Write it differently.") from error
        if error.connection_invalidated:
            raise Unavailable(NO_ANSWER) from error
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
