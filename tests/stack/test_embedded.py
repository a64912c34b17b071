"""The embedded servers: start, attach, survive a kill, and touch no mode on the way."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import psutil
import psycopg
import pytest
import redis

from services.embedded import is_locked, postgres, servers, start_postgres, start_valkey

UNREADABLE = 77
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


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


def test_four_starts_at_once_make_one_server(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: start_valkey(tmp_path), range(4)))
    try:
        assert len({server.url for server in started}) == 1
        assert sum(server.process is not None for server in started) == 1
    finally:
        for server in started:
            server.stop()


def test_a_pid_file_that_names_a_stranger_does_not_keep_postgres_from_starting(tmp_path: Path) -> None:
    start_postgres(tmp_path).stop()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n")
        start_postgres(tmp_path).stop()
    finally:
        stranger.kill()
        stranger.wait()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that any account may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@only_root
def test_root_without_user_namespaces_runs_postgres_as_another_account_elsewhere(
    tmp_path: Path, public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_namespaces_work", lambda: False)
    monkeypatch.setattr(postgres, "SHARED_DATA", public_folder)
    monkeypatch.setattr(postgres, "SHARED_PROGRAMS", public_folder)
    for _ in range(2):  # the second start finds the first one's data
        server = start_postgres(tmp_path)
        try:
            assert server.process is not None
            assert psutil.Process(server.process.pid).username() in {"postgres", "nobody"}
            with psycopg.connect(dsn(server.url)) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        finally:
            server.stop()
    elsewhere = Path((tmp_path / "location").read_text())
    assert elsewhere.parent == public_folder
    assert (elsewhere / "data" / "PG_VERSION").exists()
    assert not (tmp_path / "data").exists()


@only_root
def test_an_ordinary_user_starts_both(public_folder: Path) -> None:
    account = pwd.getpwnam("nobody")
    home = public_folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, account.pw_uid, account.pw_gid)
    said = public_folder / "said"
    child = os.fork()  # and not a new interpreter, which may lie in a folder of root's own
    if child == 0:
        with said.open("w") as file:
            os._exit(as_account(account, home, file))
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == UNREADABLE:
        pytest.skip("this checkout lies where only root may read it")
    assert said.read_text() == "both serve"
    assert (home / "postgres" / "data" / "PG_VERSION").stat().st_uid == account.pw_uid


def as_account(account: pwd.struct_passwd, home: Path, said: IO[str]) -> int:
    """Become the account for good and start both servers."""
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    if not os.access(postgres.__file__, os.R_OK):
        return UNREADABLE
    try:
        with servers(home) as running, psycopg.connect(dsn(running.database_url)):
            said.write("both serve")
    except Exception:  # noqa: BLE001  this process may not go on into pytest
        traceback.print_exc(file=said)
    said.flush()
    return 0
