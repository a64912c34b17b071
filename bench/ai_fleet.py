"""The product's queue without its screen: own servers, ai workers with stub stages, users, and videos to work on."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import redis
from pydantic import SecretStr
from sqlalchemy import text

from bench.accepting import Accepting, Order, accepting
from bench.report import Wrong
from services.bootstrap import Services, build
from services.database import upgrade
from services.embedded import Servers, servers
from services.model import JobKind, Priority, QueueName, Role, StageName, User
from services.outputs import Output, ProbeOutput, Segment, TranscriptOutput
from services.records import jobs, quotas, stages, users, videos
from services.records.jobs import NewJob
from services.records.stages import Finish, Lease, Outcome
from services.settings import Settings
from tests.invariants import violations

USERS = 100
NO_HASH = "none"  # nobody signs in: a real one takes a quarter of a second to make
WORKERS = 2
START_LIMIT = 60.0  # seconds
STOP_LIMIT = 10.0
LOOK = 0.01  # seconds between two looks at whether all is done
AT_ONCE = 500  # videos prepared in one transaction
WARM_UP = 2 * USERS  # jobs that are not counted: a fresh process's first stages load its modules

SENTENCE = "This is what somebody said, written down so that a stage has something to read."
RECORDED: dict[StageName, Output] = {
    StageName.PROBE: ProbeOutput(container="mp4", duration=60, size_bytes=1, has_picture=True, has_sound=True),
    StageName.TRANSCRIBE: TranscriptOutput(
        language="en",
        duration=60,
        segments=tuple(Segment(start=10 * n, end=10 * n + 9, text=SENTENCE, words=()) for n in range(6)),
        engine="stub",
        model="stub",
    ),
}
UNFINISHED = "select exists (select from jobs where state in ('queued', 'running'))"
DONE = """
    select count(*) as stages,
        count(*) filter (where s.state = 'succeeded') as succeeded,
        count(a.stage_id) as attempts, count(o.stage_id) as outputs, count(e.stage_id) as events
    from stages s
    left join (select stage_id from attempts where outcome = 'succeeded') a on a.stage_id = s.id
    left join outputs o on o.stage_id = s.id
    left join (select stage_id from events where action = 'stage succeeded') e on e.stage_id = s.id
    where s.queue = 'ai'
"""


@dataclass(frozen=True, kw_only=True)
class AiFleet:
    """workers maps names to process ids; services reach the servers directly, environment as the product does."""

    home: Path
    addresses: Servers
    environment: Mapping[str, str]
    workers: Mapping[str, int]
    services: Services
    people: Sequence[User]
    source: Path

    def orders(self, count: int, kind: JobKind, *, together: int = 1) -> list[Order]:
        """So many jobs to submit, each on a video of its own that is transcribed already.

        together is how many one call submits; the calls come from one user after another.
        """
        owners = [self.people[number // together % USERS] for number in range(count)]
        made = [
            video_id for at in range(0, count, AT_ONCE) for video_id in self._transcribed(owners[at : at + AT_ONCE])
        ]
        return [
            Order(user_id=owners[at].id, kind=kind, video_ids=made[at : at + together])
            for at in range(0, count, together)
        ]

    @contextmanager
    def accepting(self, orders: Sequence[Order], *, processes: int, threads: int) -> Iterator[Accepting]:
        with accepting(orders, self.home, self.environment, processes=processes, threads=threads) as ready:
            yield ready

    def wait_until_done(self, limit: float) -> float:
        """The monotonic time at which nothing is left to run. Raises Wrong after limit seconds."""
        deadline = time.monotonic() + limit
        with self.services.database.statement() as connection:
            while connection.execute(text(UNFINISHED)).scalar_one():
                if time.monotonic() > deadline:
                    raise Wrong(f"There are unfinished jobs after {limit:.0f} s.")
                time.sleep(LOOK)
        return time.monotonic()

    def warm_up(self, kind: JobKind) -> int:
        """Let every process do its first work; how many jobs that took."""
        with self.accepting(self.orders(WARM_UP, kind), processes=1, threads=2) as ready:
            ready.submit()
            self.wait_until_done(START_LIMIT)
        return WARM_UP

    def check(self, expected: int) -> None:
        """Raises Wrong unless so many ai stages succeeded, each told once by attempt, output and event."""
        with self.services.database.transaction() as connection:
            counts = connection.execute(text(DONE)).one()._asdict()
            broken = violations(connection)
        if set(counts.values()) != {expected}:
            raise Wrong(f"Of {expected} stages: {counts}.")
        if broken:
            raise Wrong(f"The records are not as they must be: {broken}.")

    def _transcribed(self, owners: Sequence[User]) -> list[UUID]:
        """A video for each, with its probe and transcript recorded by the queue's own verbs."""
        made = [uuid4() for _ in owners]
        for video_id in made:
            self.services.storage.keep(self.source, f"{video_id}/source")
        with self.services.database.transaction() as connection:
            for owner, video_id in sorted(zip(owners, made, strict=True), key=lambda pair: pair[0].id):
                quotas.lock_user(connection, owner.id)
                videos.create(
                    connection, video_id=video_id, user_id=owner.id, title="Talk", file_name="t.mp4", size=1, sha256="0"
                )
                videos.add_source(
                    connection, video_id=video_id, storage_key=f"{video_id}/source", media_type="video/mp4", size=1
                )
                job = NewJob(
                    id=uuid4(),
                    video_id=video_id,
                    user_id=owner.id,
                    submitter_id=owner.id,
                    kind=JobKind.TRANSCRIBE,
                    recorded=(),
                    priority=Priority.NORMAL,
                )
                jobs.accept(connection, job, jobs_per_hour=self.services.settings.jobs_per_hour, actor="bench")
        lease = Lease(id=uuid4(), worker="bench", host="bench", pid=os.getpid())
        while True:
            with self.services.database.statement() as connection:
                claims = stages.claim_many(connection, QueueName.MEDIA, lease, seconds=60, limit=AT_ONCE, cap=AT_ONCE)
                if not claims:
                    return made
                stages.finish_many(
                    connection,
                    lease.worker,
                    [
                        Finish(
                            stage_id=claim.stage_id,
                            token=claim.token,
                            outcome=Outcome.SUCCEEDED,
                            data=RECORDED[claim.name].model_dump(mode="json"),
                        )
                        for claim in claims
                    ],
                )


@contextmanager
def ai_fleet(home: Path, *, rtt_ms: float = 0.0, api: str = "") -> Iterator[AiFleet]:
    """Servers with fsync on, two idle ai workers, and users. Between the product and both servers lie rtt_ms.

    api is the address, HOST:PORT, that the stages ask; without it they return at once. Raises Wrong, Unavailable.
    """
    with ExitStack() as stack:
        addresses = stack.enter_context(servers(home / "servers"))
        upgrade(addresses.database_url)
        settings = _settings(home, addresses)
        services = build(settings)
        stack.callback(services.close)
        people = _people(services)
        source = home / "source.mp4"
        source.write_bytes(b"A file that no stage of a benchmark reads.")
        near = addresses
        if rtt_ms:
            near = Servers(
                database_url=stack.enter_context(_far(addresses.database_url, rtt_ms)),
                redis_url=stack.enter_context(_far(addresses.redis_url, rtt_ms)),
            )
        environment = os.environ | _environment(settings, near)
        workers = {
            f"ai-{number}": stack.enter_context(_worker(home / f"ai-{number}.log", environment, api))
            for number in range(1, WORKERS + 1)
        }
        _wait_until_listening(addresses.redis_url, WORKERS)
        yield AiFleet(
            home=home,
            addresses=addresses,
            environment=environment,
            workers=workers,
            services=services,
            people=people,
            source=source,
        )


def _settings(home: Path, addresses: Servers) -> Settings:
    return Settings(
        _env_file=None,
        home=home / "product",
        DATABASE_URL=SecretStr(addresses.database_url),
        REDIS_URL=SecretStr(addresses.redis_url),
        secret_key=SecretStr(secrets.token_urlsafe(48)),
        jobs_per_hour=1_000_000,
        requests_per_minute=1_000_000,
    )


def _environment(settings: Settings, addresses: Servers) -> dict[str, str]:
    assert settings.secret_key is not None
    return {
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "BACKLOT_EMBEDDED": "never",
        "BACKLOT_HOME": str(settings.home),
        "BACKLOT_SECRET_KEY": settings.secret_key.get_secret_value(),
        "BACKLOT_JOBS_PER_HOUR": str(settings.jobs_per_hour),
    }


def _people(services: Services) -> list[User]:
    with services.database.transaction() as connection:
        for number in range(USERS):
            users.create(connection, name=f"person-{number}", role=Role.CREATOR, password_hash=NO_HASH)
    return [services.accounts.find(f"person-{number}") for number in range(USERS)]


@contextmanager
def _far(url: str, rtt_ms: float) -> Iterator[str]:
    """The address through a network with this round trip, in a process of its own."""
    parts = urlsplit(url)
    command = ["-m", "tests.network", "--to", f"{parts.hostname}:{parts.port}", "--delay", str(rtt_ms / 2000)]
    with subprocess.Popen(
        [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        try:
            userinfo = parts.netloc.rpartition("@")[0]
            yield urlunsplit(parts._replace(netloc=f"{userinfo}@127.0.0.1:{port}"))
        finally:
            process.kill()


@contextmanager
def _worker(log: Path, environment: Mapping[str, str], api: str) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.stub_worker", *([api] if api else [])],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_listening(redis_url: str, count: int) -> None:
    """Raises Wrong when so many workers have not told RQ within a minute that they wait."""
    deadline = time.monotonic() + START_LIMIT
    with redis.Redis.from_url(redis_url) as client:
        while time.monotonic() < deadline:
            keys = [bytes(key) for key in client.smembers("rq:workers")]
            if sum(client.hget(key.decode(), "state") == b"idle" for key in keys) == count:
                return
            time.sleep(0.1)
    raise Wrong(f"{count} workers did not start within {START_LIMIT:.0f} s.")
