"""A fleet whose workers act as titles say, at the times that the product ships with, and what to ask of its records."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import redis
from sqlalchemy import text

from services.bootstrap import build
from services.embedded import start_valkey
from services.model import PLAN, JobKind, Role, StageName, User, stages_of
from services.records import users
from services.records.stages import Finish, Outcome
from services.settings import Settings
from tests.integration.fleet import Fleet
from tests.integration.work import accept, claim, clear_work, finish, lease
from tests.invariants import violations
from tests.virtual_worker import OUTPUTS

SHIPPED = {name: float(Settings.model_fields[name].default) for name in ("lease", "sweep", "beat")}
AS_SHIPPED = {f"BACKLOT_{name.upper()}": str(value) for name, value in SHIPPED.items()}


class ActingFleet(Fleet):
    """Accepts, sweeps and beats as often as the product does unless a worker is started otherwise."""

    virtual_worker = "tests.integration.acting_worker"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.services.close()
        self.settings = self.settings.model_copy(update=SHIPPED)
        self.services = build(self.settings)
        self._users = 0

    def environment(self, **changes: str) -> dict[str, str]:
        return super().environment(**(AS_SHIPPED | changes))

    def clear(self) -> None:
        """No worker and no work of an earlier test is left; what was recorded must be exact to the end."""
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.workers.clear()
        with self.services.database.transaction() as connection:
            broken = violations(connection)
        clear_work(self.services.database)
        if self.valkey.process is None or self.valkey.process.poll() is not None:
            self.valkey = start_valkey(self.folder / "valkey")
        redis.Redis.from_url(self.valkey.url).flushall()
        assert broken == {}

    def new_user(self) -> User:
        self._users += 1
        name = f"creator-{self._users}"
        with self.services.database.transaction() as connection:
            users.create(connection, name=name, role=Role.CREATOR, password_hash="none")
        return self.services.accounts.find(name)

    def prepared(self, user: User, title: str, *, kind: JobKind = JobKind.TRANSCRIBE) -> UUID:
        """A video on which a job of the kind has ended; made without a worker, while nothing else is ready."""
        database = self.services.database
        video_id = accept(database, user, kind=kind).video_id
        self.services.storage.keep(Path(__file__), f"{video_id}/source")
        held = lease("nobody")
        for name in stages_of(kind):
            (claimed,) = claim(database, held, PLAN[name].queue)
            made = Finish(
                stage_id=claimed.stage_id,
                token=claimed.token,
                outcome=Outcome.SUCCEEDED,
                data=OUTPUTS[name].model_dump(mode="json"),
            )
            finish(database, [made], worker="nobody")
        with database.transaction() as connection:
            connection.execute(
                text("update videos set title = :title where id = :id"), {"title": title, "id": video_id}
            )
        return video_id

    def submit_analysis(self, user: User, video_id: UUID) -> UUID:
        """A job of the one stage analyze, a coroutine, on a prepared video."""
        return self.services.operations.submit(user, video_id, JobKind.ANALYZE)

    def accept_unrung(self, user: User, video_id: UUID, kind: JobKind) -> UUID:
        """A job on a prepared video, of which nobody is told."""
        return accept(self.services.database, user, kind=kind, video_id=video_id).job_id

    def set_paused(self, paused: bool) -> None:
        """Hold or free every queue on record; nobody is told."""
        with self.services.database.transaction() as connection:
            connection.execute(text("update queues set paused = :paused"), {"paused": paused})

    def release(self, name: str) -> None:
        """Let every stage end that waits for this name."""
        (self.folder / name).touch()

    def ask(self, query: str, **values: object) -> Sequence[Any]:
        """Rows of the records."""
        with self.services.database.statement() as connection:
            return connection.execute(text(query), values).all()

    def count(self, *states: str) -> int:
        """How many stages are in one of the states."""
        return int(self.ask("select count(*) as count from stages where state = any (:s)", s=list(states))[0].count)

    def attempts(self, job_id: UUID, name: StageName) -> Sequence[Any]:
        """worker, started_at, finished_at, outcome of each attempt of a stage, the oldest first."""
        return self.ask(
            "select a.worker, a.started_at, a.finished_at, a.outcome from attempts a join stages s on s.id = a.stage_id"
            " where s.job_id = :job and s.name = :name order by a.token",
            job=job_id,
            name=name,
        )

    def running(self) -> dict[str, int]:
        """How many stages run, by worker."""
        return {
            row.worker: row.count
            for row in self.ask(
                "select a.worker, count(*) as count from stages s join attempts a on a.stage_id = s.id"
                " and a.token = s.token where s.state = 'running' group by 1"
            )
        }


class SilentServer:
    """An API that takes calls and never answers, and sees when a caller hangs up."""

    def __init__(self) -> None:
        self.calls = 0
        self.hung_up_at: list[float] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._take_calls, daemon=True).start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _take_calls(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        with connection:
            self.calls += 1
            try:
                while connection.recv(4096):
                    pass
            except OSError:
                pass
            self.hung_up_at.append(time.monotonic())


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
