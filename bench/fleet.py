"""The product as it is deployed, for one benchmark: own servers, own processes, all state in one temporary folder."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bench.report import say
from console import state_file
from services.bootstrap import Services, build
from services.embedded import Servers, servers
from services.errors import Unavailable
from services.model import Role, User
from services.settings import Settings

START_LIMIT = 120.0  # seconds
STOP_LIMIT = 20.0
PASSWORD = secrets.token_urlsafe(16)


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A running product. processes maps a name such as media-1, ai-1, sweeper or web to its process id."""

    address: str
    processes: Mapping[str, int]
    services: Services

    def new_user(self, name: str, role: Role = Role.CREATOR) -> User:
        """Somebody who has chosen PASSWORD, so that every route is open to them."""
        accounts = self.services.accounts
        one_time = accounts.create_user(name, role)
        accounts.change_password(accounts.find(name), one_time, PASSWORD)
        return accounts.find(name)


@contextmanager
def fleet(home: Path, settings: Mapping[str, str]) -> Iterator[Fleet]:
    """Servers with fsync on, workers, sweeper and web server on free ports; all end on leaving.

    settings are further environment variables of the product. Raises Unavailable when it does not start.
    """
    with servers(home / "servers") as addresses:
        environment = _environment(home / "product", addresses, settings)
        log = home / "up.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "console", "up"],
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            state = _wait_until_ready(process, home / "product", log)
            services = build(
                Settings(
                    _env_file=None,
                    home=home / "product",
                    DATABASE_URL=SecretStr(addresses.database_url),
                    REDIS_URL=SecretStr(addresses.redis_url),
                    secret_key=SecretStr(environment["BACKLOT_SECRET_KEY"]),
                )
            )
            try:
                yield Fleet(address=state.address, processes=state.processes, services=services)
            finally:
                services.close()
        finally:
            _end(process)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A folder for one run, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="backlot-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _environment(home: Path, addresses: Servers, settings: Mapping[str, str]) -> dict[str, str]:
    """Set in full, so that neither a developer's `.env` nor their stores are ever used."""
    return {
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "BACKLOT_HOME": str(home),
        "BACKLOT_HOST": "127.0.0.1",
        "BACKLOT_PORT": str(_free_port()),
        "BACKLOT_SECRET_KEY": secrets.token_urlsafe(48),
        "BACKLOT_SECURE_COOKIES": "false",
        "BACKLOT_EMBEDDED": "auto",
        **settings,
    }


def _wait_until_ready(process: subprocess.Popen[bytes], home: Path, log: Path) -> state_file.State:
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        state = state_file.read(home)
        if state is not None and "web" in state.processes:
            return state
        time.sleep(0.1)
    for line in log.read_text(errors="replace").splitlines()[-20:]:
        say(line)
    raise Unavailable(f"The product did not start within {START_LIMIT:.0f} s; its last words are above.")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()  # its guard ends what it leaves
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
