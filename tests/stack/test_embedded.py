"""The embedded servers: start, attach, survive a kill, and touch no mode on the way."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import psycopg
import pytest
import redis

from services.embedded import is_locked, servers, start_postgres, start_valkey


def dsn(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def test_starts_attaches_and_stops(tmp_path: Path) -> None:
    with servers(tmp_path) as first:
        with servers(tmp_path) as second:
            assert second == first
        with psycopg.connect(dsn(first.database_url)) as connection:
            row = connection.execute("SELECT current_database(), current_setting('fsync')").fetchone()
        assert row == ("backlot", "on")
        with redis.Redis.from_url(first.redis_url) as client:
            assert client.config_get("append*")["appendfsync"] == "everysec"
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert is_locked(tmp_path / "postgres")
    assert not is_locked(tmp_path / "postgres")
    assert not is_locked(tmp_path / "valkey")


def test_refuses_without_the_password(tmp_path: Path) -> None:
    with servers(tmp_path) as running:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn(running.database_url), password="wrong")
        host = running.redis_url.split("@")[1]
        with redis.Redis.from_url(f"redis://{host}") as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_postgres_keeps_its_data_when_killed(tmp_path: Path) -> None:
    server = start_postgres(tmp_path)
    with psycopg.connect(dsn(server.url)) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('here')")
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)  # not waited for: the zombie keeps its number, as under a slow init
    again = start_postgres(tmp_path)
    try:
        assert again.url == server.url
        with psycopg.connect(dsn(again.url)) as connection:
            assert connection.execute("SELECT word FROM kept").fetchone() == ("here",)
    finally:
        again.stop()
        server.process.wait()


def test_valkey_keeps_its_data_when_killed(tmp_path: Path) -> None:
    server = start_valkey(tmp_path)
    with redis.Redis.from_url(server.url) as client:
        client.set("kept", "here")
        client.waitaof(1, 0, 5000)
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    again = start_valkey(tmp_path)
    try:
        with redis.Redis.from_url(again.url) as client:
            assert client.get("kept") == b"here"
    finally:
        again.stop()


def test_data_stays_in_a_private_folder_and_no_mode_changes(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    parents = [private, *private.parents]
    before = [stat.S_IMODE(parent.stat().st_mode) for parent in parents]
    with servers(private / "home"):
        assert (private / "home" / "postgres" / "data" / "PG_VERSION").exists()
        assert (private / "home" / "valkey" / "appendonlydir").exists()
    assert [stat.S_IMODE(parent.stat().st_mode) for parent in parents] == before
    for secret in ("postgres/access.json", "valkey/access.json", "valkey/valkey.conf"):
        assert stat.S_IMODE((private / "home" / secret).stat().st_mode) == 0o600
