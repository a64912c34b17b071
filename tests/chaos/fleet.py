"""The product under test: its real supervisor with all its processes, on servers that may be broken."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
from pydantic import SecretStr
from sqlalchemy import text

from console import state_file
from services.database import Database, upgrade
from services.embedded import Server, is_locked, start_postgres, start_valkey
from services.model import Role, User
from services.operations import Operations
from services.progress import Progress
from services.queue import Queue, connect
from services.records import users
from services.sessions import Sessions
from services.settings import Settings
from tests import network
from tests.chaos.launcher import NETWORKS, PLANT, WAKES
from tests.chaos.plants import Plant, plant_in_database, require_plantable
from tests.chaos.stages import API
from tests.network import Network
from tests.unlimited import Unlimited

LEASE = 4.0
MEDIA_WORKERS = 3
USERS = 6
START_LIMIT = 90.0  # seconds
STOP_LIMIT = 30.0
WIDTH = 300  # characters of a log line that are shown
RESTART_SECONDS = 1.0  # as systemd waits before it starts again what died
STORES = {"DATABASE_URL": "postgres", "REDIS_URL": "valkey"}


class QuietSweeper:
    """Never sweeps: the harness must not do the product's work."""

    def arm(self) -> None:
        """Nothing."""


class Fleet:
    """Servers, networks, the supervisor and all that it starts, in one folder.

    database is the harness's own way to Postgres, past all networks; operations goes through the web server's, as
    the pages do.
    """

    def __init__(self, folder: Path, *, ai_workers: int, seed: int, plant: Plant | None = None, wakes: int = 1) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._ends = ExitStack()
        try:
            self._begin(ai_workers, seed, plant, wakes)
        except BaseException:
            self.end()
            raise

    def _begin(self, ai_workers: int, seed: int, plant: Plant | None, wakes: int) -> None:
        self.postgres: Server = start_postgres(self.folder / "postgres")
        self._ends.callback(self._stop_store, "postgres")
        self.valkey: Server = start_valkey(self.folder / "valkey")
        self._ends.callback(self._stop_store, "valkey")
        upgrade(self.postgres.url)
        if plant is not None:
            require_plantable(plant)
            plant_in_database(plant, self.postgres.url)
        self._secret = secrets.token_urlsafe(32)
        self.processes = (
            *(f"media-{number}" for number in range(1, MEDIA_WORKERS + 1)),
            *(f"ai-{number}" for number in range(1, ai_workers + 1)),
            "web",
        )
        urls = {"postgres": self.postgres.url, "valkey": self.valkey.url}
        self.networks: dict[tuple[str, str], Network] = {
            (process, store): network.of_url(url) for process in (*self.processes, "up") for store, url in urls.items()
        }
        for one in self.networks.values():
            self._ends.callback(one.close)
        self._api = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.stub_api", str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._ends.callback(self._end_api)
        assert self._api.stdout is not None
        self._environment = self._make_environment(ai_workers, plant, wakes, int(self._api.stdout.readline()))
        self.database = Database(self.postgres.url)
        self._ends.callback(self.database.close)
        through_web = Database(self._url("web", "postgres"))
        self._ends.callback(through_web.close)
        settings = Settings(_env_file=None, home=self.home, secret_key=SecretStr(self._secret), jobs_per_hour=10_000)
        client = connect(self._url("web", "valkey"))
        queue, progress = Queue(client, secret=self._secret), Progress(client, secret=self._secret)
        self.operations = Operations(
            through_web,
            queue,
            QuietSweeper(),  # type: ignore[arg-type]
            settings,
            progress=progress,
            limits=Unlimited(),  # type: ignore[arg-type]
        )
        self.sessions = Sessions(self.database, connect(self.valkey.url), settings, secret=self._secret)
        self.users: list[User] = []
        self.supervisor_starts = 0
        self._start_at: float | None = None
        self._make_users()
        self._start()
        self._ends.callback(self.stop_product)

    @property
    def state(self) -> state_file.State | None:
        """What runs, from the moment when everything does; None while the supervisor is dead or starting."""
        state = state_file.read(self.home)
        return state if state is not None and "web" in state.processes else None

    def tend(self) -> None:
        """Start the supervisor again when it is gone, as systemd would."""
        if self._up.poll() is None:
            return
        if self._start_at is None:
            self._start_at = time.monotonic() + RESTART_SECONDS
        elif time.monotonic() >= self._start_at:
            self._start()

    def wait_until_ready(self) -> None:
        """Raises TimeoutError."""
        deadline = time.monotonic() + START_LIMIT
        while self.state is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the product did not start within {START_LIMIT:.0f} s")
            self.tend()
            time.sleep(0.1)

    def process(self, name: str) -> psutil.Process | None:
        """A process of the product that lives, by its name in the supervisor."""
        state = self.state
        if state is None or name not in state.processes:
            return None
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(state.processes[name])
            if found.is_running() and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None

    def kill_supervisor(self) -> None:
        self._up.kill()
        self._up.wait()

    def postgres_family(self) -> list[psutil.Process]:
        """The server's processes; each leads a session of its own, so that only the parents tell who belongs."""
        assert self.postgres.process is not None
        with suppress(psutil.NoSuchProcess):
            server = psutil.Process(self.postgres.process.pid)
            return [server, *server.children(recursive=True)]
        return []

    def kill_postgres(self) -> None:
        """kill -9 of all its processes at once; it starts again at once, on the same port."""
        assert self.postgres.process is not None
        for process in self.postgres_family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.postgres.process.wait()
        self.postgres = _again(self.postgres, start_postgres(self.folder / "postgres"))

    def kill_valkey(self) -> None:
        """kill -9; it comes back empty."""
        assert self.valkey.process is not None
        self.valkey.process.kill()
        self.valkey.process.wait()
        shutil.rmtree(self.folder / "valkey" / "appendonlydir", ignore_errors=True)
        self.valkey = _again(self.valkey, start_valkey(self.folder / "valkey"))

    def count_unfinished(self) -> int:
        """Jobs that have not ended, and stages that run or could run. Raises Unavailable."""
        with self.database.statement() as connection:
            return int(
                connection.execute(
                    text(
                        "select (select count(*) from jobs where state in ('queued', 'running'))"
                        " + (select count(*) from stages where state in ('ready', 'running'))"
                    )
                ).scalar_one()
            )

    def stop_product(self) -> None:
        """Ctrl-C; the servers go on for the checker."""
        if self._up.poll() is None:
            self._up.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._up.wait(STOP_LIMIT)
        if self._up.poll() is None:
            self.kill_supervisor()
        deadline = time.monotonic() + STOP_LIMIT
        while is_locked(self.home) and time.monotonic() < deadline:
            time.sleep(0.1)  # a guard may still be at its work

    def end(self) -> None:
        """End everything that was begun."""
        self._ends.close()

    def _stop_store(self, name: str) -> None:
        server: Server = getattr(self, name)  # it may have been started again since
        server.stop()

    def _end_api(self) -> None:
        assert self._api.stdin is not None
        assert self._api.stdout is not None
        self._api.stdin.close()
        self._api.wait(10)
        self._api.stdout.close()

    def last_words(self, lines: int) -> str:
        """The ends of all logs."""
        logs = [self.folder / "up.log", *sorted((self.home / "logs").glob("*.log"))]
        ends = []
        for log in logs:
            if log.exists():
                said = [line for line in log.read_text(errors="replace").splitlines() if " | " not in line]  # no echo
                ends += [f"--- {log.name}", *(line[:WIDTH] for line in said[-lines:])]
        return "\n".join(ends)

    def _start(self) -> None:
        self._start_at = None
        self.supervisor_starts += 1
        with (self.folder / "up.log").open("ab") as log:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.launcher", "up"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _make_users(self) -> None:
        for number in range(USERS):
            with self.database.transaction() as connection:
                users.create(connection, name=f"user-{number}", role=Role.CREATOR, password_hash="none")
                connection.execute(text("update users set must_change_password = false"))
                record = users.find_by_name(connection, f"user-{number}")
            assert record is not None
            self.users.append(record.user)

    def _url(self, process: str, store: str) -> str:
        return self.networks[process, store].url(self.postgres.url if store == "postgres" else self.valkey.url)

    def _make_environment(self, ai_workers: int, plant: Plant | None, wakes: int, api_port: int) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKLOT_")}
        networks = {
            process: {variable: self._url(process, store) for variable, store in STORES.items()}
            for process in self.processes
        }
        return kept | {
            **{variable: self._url("up", store) for variable, store in STORES.items()},
            NETWORKS: json.dumps(networks),
            PLANT: plant.name if plant else "",
            WAKES: str(wakes),
            API: f"http://127.0.0.1:{api_port}/",
            "BACKLOT_AI_WORKERS": str(ai_workers),
            "BACKLOT_BEAT": "0.5",
            "BACKLOT_DISK_RESERVE": "0",
            "BACKLOT_DISK_RESERVE_SHARE": "0",
            "BACKLOT_HOME": str(self.home),
            "BACKLOT_JOBS_PER_HOUR": "10000",
            "BACKLOT_LEASE": str(LEASE),
            "BACKLOT_MEDIA_WORKERS": str(MEDIA_WORKERS),
            "BACKLOT_PORT": str(_free_port()),
            "BACKLOT_SECRET_KEY": self._secret,
            "BACKLOT_SWEEP": "1",
            "BACKLOT_UPLOAD_PART_SIZE": str(64 * 1024),
            "BACKLOT_REQUESTS_PER_MINUTE": "10000",
            "BACKLOT_UPLOADS_PER_DAY": "10000",
        }


def _again(before: Server, after: Server) -> Server:
    if after.url != before.url:
        raise RuntimeError("a server came back elsewhere: somebody took its port")
    return after


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
