"""What a row of the table of degraded servers needs: to break them, to look, and to hold what holds in every row."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import redis
from pydantic import SecretStr
from rq.worker import Worker
from sqlalchemy import text

from services.bootstrap import Services, build
from services.embedded import start_postgres, start_valkey
from services.model import JobState, StageName, StageState
from tests.films import film_of
from tests.integration.fleet import Fleet, eventually
from tests.invariants import violations
from tests.network import Network, of_url

PIPELINE = ["succeeded"] * 6
AWAY = 60.0  # seconds within which a pipeline of six stages ends on a busy machine while workers look by themselves


class Row:
    """One fleet with what a row of the table does to its servers."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.log = fleet.folder / "workers.log"
        self.log.touch()
        self._said = self.log.stat().st_size
        self.afterwards = ExitStack()

    def network(self, url: str, *, delay: float = 0.0) -> tuple[Network, str]:
        """A network in front of a server, and the server's address through it."""
        network = of_url(url, delay=delay)
        self.afterwards.callback(network.close)
        return network, network.url(url)

    def services(self, *, database_url: str | None = None, redis_url: str | None = None) -> Services:
        """Services as a web process has them, with other addresses."""
        changes: dict[str, Any] = {}
        if database_url is not None:
            changes["database_url"] = SecretStr(database_url)
        if redis_url is not None:
            changes["redis_url"] = SecretStr(redis_url)
        services = build(self.fleet.settings.model_copy(update=changes))
        self.afterwards.callback(services.close)
        return services

    def stop_redis(self) -> None:
        self.fleet.valkey.stop()

    def start_redis(self) -> None:
        self.fleet.valkey = start_valkey(self.fleet.folder / "valkey")

    def kill_postgres(self) -> None:
        assert self.fleet.postgres.process is not None
        self.fleet.postgres.process.kill()
        self.fleet.postgres.process.wait()

    def start_postgres(self) -> None:
        self.fleet.postgres = start_postgres(self.fleet.folder / "postgres")

    def start_what_is_down(self) -> None:
        """A row that failed half-way must not fail those after it."""
        valkey, postgres = self.fleet.valkey.process, self.fleet.postgres.process
        if valkey is not None and valkey.poll() is not None:
            self.start_redis()
        if postgres is not None and postgres.poll() is not None:
            self.start_postgres()

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.fleet.valkey.url)

    def done(self, job_id: UUID, *, within: float = AWAY) -> float:
        return eventually(lambda: self.fleet.state(job_id) is JobState.SUCCEEDED, within, "the end of the job")

    def has_done(self, job_id: UUID, name: StageName) -> None:
        eventually(lambda: self.fleet.stage(job_id, name) is StageState.SUCCEEDED, AWAY, f"the end of {name}")

    def registered(self, *workers: subprocess.Popen[bytes], within: float = 40) -> None:
        def names() -> list[str]:
            with self.client() as client:
                return [worker.name for worker in Worker.all(connection=client)]

        for worker in workers:
            eventually(
                lambda pid=worker.pid: any(f"-{pid}-" in name for name in names()),  # type: ignore[misc]
                within,
                "the registration",
            )

    def tell_to_stop(self, worker: subprocess.Popen[bytes]) -> None:
        """It ends with code 0."""
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(12) == 0
        self.fleet.workers.remove(worker)

    def deaths_and_tries(self, job_id: UUID, name: StageName) -> tuple[int, int]:
        with self.fleet.services.database.statement() as connection:
            row = connection.execute(
                text("select deaths, tries from stages where job_id = :id and name = :name"),
                {"id": job_id, "name": name},
            ).one()
        return row.deaths, row.tries

    def runs(self, job_id: UUID, attempt: int) -> None:
        """Wait until the probe runs for the so-manieth time."""
        eventually(
            lambda: self.fleet.stage(job_id) is StageState.RUNNING and len(self.fleet.outcomes(job_id)) == attempt,
            30,
            f"attempt {attempt}",
        )

    def whole_upload(self) -> UUID:
        """An upload that only waits to be completed."""
        data = film_of(uuid4().bytes)

        async def chunks() -> AsyncIterator[bytes]:
            yield data

        uploads, user = self.fleet.services.uploads, self.fleet.user
        upload = uploads.begin(user, file_name="a.mp4", size=len(data), fingerprint=data.hex(), title="sleep:0")
        asyncio.run(uploads.append(user, upload.id, offset=0, chunks=chunks()))
        return upload.id

    def film(self) -> Path:
        film = self.fleet.folder / f"{uuid4()}.mp4"
        film.write_bytes(film_of(uuid4().bytes))
        return film

    def said(self) -> str:
        """What the workers of this row have written to the log."""
        return self.log.read_bytes()[self._said :].decode()

    def close(self) -> None:
        """What holds in every row: nobody ended, the records are exact, the log has neither a trace nor a secret."""
        ended = [worker.pid for worker in self.fleet.workers if worker.poll() is not None]
        self.start_what_is_down()
        with self.fleet.services.database.transaction() as connection:
            broken = violations(connection)
        for worker in self.fleet.workers:
            worker.kill()
            worker.wait()
        self.fleet.workers.clear()
        self.afterwards.close()
        said = self.said()
        assert ended == []
        assert broken == {}
        assert "Traceback" not in said
        for secret in passwords(self.fleet.postgres.url, self.fleet.valkey.url):
            assert secret not in said


def passwords(*urls: str) -> list[str]:
    found = [match.group(1) for url in urls if (match := re.search(r"://[^:/@]*:([^@]+)@", url))]
    assert len(found) == len(urls)
    return found


@contextmanager
def standing_still(*processes: psutil.Process) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()
