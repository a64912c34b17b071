"""Everything that runs: stores, migrations, workers and web server, under one supervisor.

There is no process for the sweeper: it is a thread of every process that works.
"""

from __future__ import annotations

import functools
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import structlog

from console import configuration, state_file
from console.child_logs import ChildLogs
from console.guard import Guard
from console.supervisor import Program, Supervisor
from console.web_health import status_of
from services.embedded import Launch, Prepared, is_locked, prepare_postgres, prepare_valkey
from services.errors import Unavailable
from services.settings import Settings

PORTS_TRIED = 50
WEB_LIMIT = 60.0  # seconds until the first start of the web server counts as failed

log = structlog.get_logger()


class Stack:
    """One stack on one home. lock is the descriptor of the home's locked file, which this stack closes.

    echo repeats what the processes say on standard output.
    """

    def __init__(self, settings: Settings, *, lock: int, echo: bool) -> None:
        self._settings = settings
        self._home = settings.home.resolve()
        self._lock = lock
        self._key = configuration.keep_key(settings)
        self._urls = {
            name: url.get_secret_value()
            for name, url in (("postgres", settings.database_url), ("valkey", settings.redis_url))
            if url
        }
        self._port = settings.port
        self._started_at = time.time()
        self._serves = False
        self._logs = ChildLogs(self._home / "logs", echo=echo)
        self._supervisor = Supervisor(guard=Guard(inherited=(lock,)), logs=self._logs, changed=self._record)
        self.ask_to_stop = self._supervisor.ask_to_stop

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the console."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._settings.host, self._settings.host)  # noqa: S104
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    @property
    def is_stopping(self) -> bool:
        return self._supervisor.is_stopping

    def start(self, say: Callable[[str], None]) -> None:
        """Start all in order; say gets what a person must read, among it the first admin's password.

        Raises Unavailable when the stores or the migrations fail, and Stopped. A web server that is not ready is
        said and tried again.
        """
        self._supervisor.start(self._stores())
        if told := self._supervisor.finish("The migration", self._python("-m", "console", "migrate")):
            say(told.decode().strip())
        self._supervisor.start(self._workers())
        try:
            self._supervisor.start([Program(name="web", prepare=self._web)], limit=WEB_LIMIT)
        except Unavailable as error:
            say(f"{error} It is started again and again; everything else works.")
        self._serves = True
        self._record()

    def watch(self) -> None:
        """Keep all running until asked to stop."""
        self._supervisor.watch()

    def stop(self) -> None:
        """End everything and free the home."""
        state_file.remove(self._home)
        self._supervisor.stop()
        os.close(self._lock)

    def _stores(self) -> list[Program]:
        prepares = {"postgres": prepare_postgres, "valkey": prepare_valkey}
        return [self._store(name, prepare) for name, prepare in prepares.items() if name not in self._urls]

    def _store(self, name: str, prepare: Callable[[Path], Prepared]) -> Program:
        folder = self._home / name

        def prepare_again() -> Launch | None:
            prepared = prepare(folder)
            before = self._urls.get(name, prepared.url)
            self._urls[name] = prepared.url
            if prepared.url != before:  # somebody took its port meanwhile
                self._supervisor.restart_work()
            return prepared.launch

        return Program(name=name, prepare=prepare_again, runs=lambda: is_locked(folder), is_store=True)

    def _workers(self) -> list[Program]:
        counts = {"media": self._settings.media_workers, "ai": self._settings.ai_workers}
        commands = {
            f"{kind}-{number}": ("worker", kind) for kind, count in counts.items() for number in range(1, count + 1)
        }
        return [
            Program(name=name, prepare=functools.partial(self._python, "-m", "console", *command))
            for name, command in commands.items()
        ]

    def _web(self) -> Launch:
        self._port = _free_port(self._settings.host, self._port)
        host, port = self._settings.host, str(self._port)
        return self._python(
            *("-m", "streamlit", "run", "console/server.py"),
            *("--server.address", host, "--server.port", port, "--server.headless", "true"),
            ready=lambda: _answers(self.address),
        )

    def _python(self, *arguments: str, ready: Callable[[], bool] = lambda: True) -> Launch:
        environment = {
            "DATABASE_URL": self._urls["postgres"],
            "REDIS_URL": self._urls["valkey"],
            "BACKLOT_EMBEDDED": "never",
            "BACKLOT_HOST": self._settings.host,
            "BACKLOT_HOME": str(self._home),
            "BACKLOT_PORT": str(self._port),
            "BACKLOT_SECRET_KEY": self._key.get_secret_value(),
            "PYTHONUNBUFFERED": "1",
        }
        if self._settings.log_format == "auto" and sys.stdout.isatty():
            environment["BACKLOT_LOG_FORMAT"] = "console"
        return Launch(command=(sys.executable, *arguments), environment=os.environ | environment, ready=ready)

    def _record(self) -> None:
        if not self._serves or self.is_stopping:
            return
        state = state_file.State(
            supervisor_pid=os.getpid(),
            supervisor_created=psutil.Process().create_time(),
            address=self.address,
            database_url=self._urls["postgres"],
            redis_url=self._urls["valkey"],
            log_folder=str(self._logs.folder),
            processes=self._supervisor.pids,
            started_at=self._started_at,
        )
        try:
            state_file.write(self._home, state)
        except OSError as error:  # a full disk must not end what runs
            log.warning("state_not_written", reason=error.strerror)


def _free_port(host: str, wanted: int) -> int:
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
        return port
    raise Unavailable(f"No port from {wanted} to {wanted + PORTS_TRIED - 1} is free on {host}. Give another: --port N.")


def _answers(address: str) -> bool:
    """Whether a web server says anything at the address, be it a refusal."""
    try:
        status_of(address, seconds=2)
    except OSError:
        return False
    return True
