"""Whether the stores answer, in words for a person."""

from __future__ import annotations

import re

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE = 3  # seconds for a connection


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


def _without_secrets(error: Exception, url: str) -> str:
    text = " ".join(str(error).split())
    for secret in (url, *re.findall(r"://[^:/@]*:([^@]+)@", url)):
        text = text.replace(secret, "…")
    return text
