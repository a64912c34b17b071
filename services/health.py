"""Whether the stores answer, in words for a person."""

from __future__ import annotations

import re

import psycopg
import redis
import sqlalchemy.exc
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.database import Database
from services.records import events

PATIENCE = 3  # seconds for a connection
REFUSED_MESSAGES_ADVICE = (
    "They were not signed with the key of this installation, and nothing in them was run. Who can write to your Redis? "
    "Change its password; and see that every process has the same BACKLOT_SECRET_KEY."
)
NEVER_EVICTS = "noeviction"  # the policy under which a full Redis refuses to write


def postgres_problem(database_url: str) -> str | None:
    """Why Postgres cannot be used, or None. The text holds no secret."""
    try:
        psycopg.connect(re.sub(r"^postgresql\+\w+:", "postgresql:", database_url), connect_timeout=PATIENCE).close()
    except psycopg.Error as error:
        return _without_secrets(error, database_url)
    return None


def redis_problem(redis_url: str) -> str | None:
    """Why Redis cannot be used, or None. The text holds no secret."""
    try:
        client = redis.Redis.from_url(
            redis_url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
        )
    except ValueError as error:
        return _without_secrets(error, redis_url)
    try:
        client.ping()
    except redis.RedisError as error:
        return _without_secrets(error, redis_url)
    finally:
        client.close()
    return None


def redis_memory_used(client: redis.Redis) -> float | None:
    """The share of its memory that Redis has used up; None when it has no bound, makes room by itself, or is silent."""
    try:
        memory = client.info("memory")
    except redis.RedisError:
        return None
    if not isinstance(memory, dict) or memory.get("maxmemory_policy", NEVER_EVICTS) != NEVER_EVICTS:
        return None
    allowed = int(memory.get("maxmemory", 0))
    return int(memory.get("used_memory", 0)) / allowed if allowed else None


def refused_messages(database_url: str, *, hours: float) -> int | None:
    """How many messages workers refused within the last hours; None before the first start has made the tables.

    Raises Unavailable.
    """
    database = Database(database_url)
    try:
        with database.statement() as connection:
            return events.refused_messages(connection, hours=hours)
    except sqlalchemy.exc.ProgrammingError:
        return None
    finally:
        database.close()


def _without_secrets(error: Exception, url: str) -> str:
    text = " ".join(str(error).split())
    for secret in (url, *re.findall(r"://[^:/@]*:([^@]+)@", url)):
        text = text.replace(secret, "…")
    return text
