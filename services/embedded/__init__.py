"""Postgres and Valkey from wheels, started or attached to, with all their state in one folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.embedded.launch import Launch, Prepared, Server, is_locked, lock, private_folder, write_private
from services.embedded.postgres import prepare_postgres, start_postgres
from services.embedded.valkey import prepare_valkey, start_valkey

__all__ = [
    "Launch",
    "Prepared",
    "Server",
    "Servers",
    "is_locked",
    "lock",
    "prepare_postgres",
    "prepare_valkey",
    "private_folder",
    "servers",
    "start_postgres",
    "start_valkey",
    "write_private",
]


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Both addresses, with passwords, in the forms of DATABASE_URL and REDIS_URL."""

    database_url: str
    redis_url: str


@contextmanager
def servers(home: Path) -> Iterator[Servers]:
    """Both servers on `home/postgres` and `home/valkey`; on leaving, the ones started here end, their data stays.

    Raises Unavailable when one cannot start.
    """
    with ExitStack() as stack:
        postgres = start_postgres(home / "postgres")
        stack.callback(postgres.stop)
        valkey = start_valkey(home / "valkey")
        stack.callback(valkey.stop)
        yield Servers(database_url=postgres.url, redis_url=valkey.url)
