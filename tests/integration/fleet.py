"""Servers and workers of a test's own, to be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.bootstrap import Services, build
from services.database import upgrade
from services.embedded import Server, start_postgres, start_valkey
from services.model import JobKind, JobState, Role, StageName, StageState, User
from services.records import users
from services.settings import Settings
from tests.films import film_of
from tests.invariants import violations

LEASE = 4.0


class Fleet:
    """Servers and workers of its own, to be killed."""

    virtual_worker = "tests.virtual_worker"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres: Server = start_postgres(folder / "postgres")
        self.valkey: Server = start_valkey(folder / "valkey")
        upgrade(self.postgres.url)
        self.settings = Settings(
            _env_file=None,
            home=folder,
            DATABASE_URL=SecretStr(self.postgres.url),
            REDIS_URL=SecretStr(self.valkey.url),
            secret_key=SecretStr("fleet"),
            disk_reserve=0,
            disk_reserve_share=0,
            lease=LEASE,
            sweep=1.0,
            jobs_per_hour=10_000,
            uploads_per_day=10_000,
            requests_per_minute=10_000,
        )
        self.services: Services = build(self.settings)
        self.workers: list[subprocess.Popen[bytes]] = []
        with self.services.database.transaction() as connection:
            users.create(connection, name="someone", role=Role.ADMIN, password_hash="none")
        self.user: User = self.services.accounts.find("someone")

    def start(self, kind: str, *, virtual: bool = True, **changes: str) -> subprocess.Popen[bytes]:
        """A worker of a kind; a virtual one does what titles say."""
        module = [self.virtual_worker] if virtual else ["console", "worker"]
        with (self.folder / "workers.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", *module, kind],
                env=self.environment(**changes),
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def environment(self, **changes: str) -> dict[str, str]:
        """What a process of this fleet finds in its environment."""
        return os.environ | {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "BACKLOT_EMBEDDED": "never",
            "BACKLOT_HOME": str(self.folder),
            "BACKLOT_SECRET_KEY": "fleet",
            "BACKLOT_LEASE": str(LEASE),
            "BACKLOT_SWEEP": "1",
            "BACKLOT_BEAT": "0.5",
            **changes,
        }

    def submit(self, title: str) -> UUID:
        """A job on a file that only virtual stages can do anything with."""
        film = self.folder / f"{uuid4()}.mp4"
        film.write_bytes(film_of(uuid4().bytes))
        return self.submit_file(film, title)

    def submit_file(self, film: Path, title: str | None = None) -> UUID:
        return self.services.uploads.accept_file(self.user, film, title=title, kind=JobKind.PIPELINE).job_id

    def state(self, job_id: UUID) -> JobState:
        return self.services.operations.job(self.user, job_id).state

    def stage(self, job_id: UUID, name: StageName = StageName.PROBE) -> StageState:
        stages = self.services.operations.job(self.user, job_id).stages
        return next(stage.state for stage in stages if stage.name is name)

    def outcomes(self, job_id: UUID) -> list[str]:
        with self.services.database.statement() as connection:
            return list(
                connection.execute(
                    text(
                        "select a.outcome from attempts a join stages s on s.id = a.stage_id"
                        " where s.job_id = :id order by a.id"
                    ),
                    {"id": job_id},
                ).scalars()
            )

    def stop(self) -> None:
        """End everything; what was recorded must be exact to the end."""
        with self.services.database.transaction() as connection:
            broken = violations(connection)
        self.end()
        assert broken == {}

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.services.close()
        self.valkey.stop()
        self.postgres.stop()


def eventually(holds: Callable[[], bool], within: float, what: str = "it") -> float:
    """Seconds until it held."""
    started = time.monotonic()
    while time.monotonic() - started < within:
        if holds():
            return time.monotonic() - started
        time.sleep(0.03)
    pytest.fail(f"{what} did not come to hold within {within} s")


def children(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(worker.pid).children(recursive=True)
