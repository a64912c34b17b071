"""What is done to the product: one fault at a time, chosen by weight and seed, each undone when its time is over."""

from __future__ import annotations

import functools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil
import redis
from sqlalchemy import text

from services import keys
from services.errors import Unavailable
from services.model import QueueName
from tests.chaos.fleet import LEASE, MEDIA_WORKERS, Fleet

SUPERVISOR_REST = 30.0  # seconds between two deaths of the supervisor: it must be able to start in between
AIM_SECONDS = 3.0  # how long a fault waits for the moment that it is aimed at
TRIES = 3  # of a kind that found nothing to break, before it is left to chance
WAKES = 5  # of each wake when they are repeated
ACCEPT_DELAY = 0.02  # seconds each way, so that there is a moment to aim at
FULL = 100  # bytes of memory that Valkey may use when it is to refuse writes

# Ends the sweep that runs at some moment of the next seconds, whichever process it is a thread of.
END_SWEEPER = """
do $$
declare
    v_until timestamptz := clock_timestamp() + make_interval(secs => 3);
begin
    while clock_timestamp() < v_until loop
        if exists (
            select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and objid is not null
                and pid <> pg_backend_pid()
        ) then return; end if;
        perform pg_sleep(0.0002);
    end loop;
    raise exception 'nobody swept';
end $$
"""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """at is in seconds since 1970; pids are the workers that it killed or stopped."""

    name: str
    at: float
    pids: tuple[int, ...] = ()


class Faults:
    """Breaks a fleet. Each method named in the weights is a fault; it says whether it found something to break."""

    def __init__(self, fleet: Fleet, weights: Mapping[str, int], *, seed: int) -> None:
        self._fleet = fleet
        self._weights = weights
        self._random = random.Random(seed)
        self._to_undo: list[tuple[float, Callable[[], None]]] = []
        self._supervisor_killed_at = -SUPERVISOR_REST
        self._pids: list[int] = []
        # Each kind once before chance takes over, so that no kind is left out of a short run.
        self._first = [name for name in weights if weights[name] > 0]
        self._random.shuffle(self._first)
        self._over = threading.Event()
        self._nurse = threading.Thread(target=self._undo_what_is_due, daemon=True)
        self._nurse.start()
        self._missed: Counter[str] = Counter()
        self.done: list[Fault] = []
        self.struck_at = 0.0  # of time.monotonic
        unknown = [name for name in weights if not callable(getattr(self, name, None))]
        if unknown:
            raise LookupError(f"there are no faults {unknown}")

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(fault.name for fault in self.done))

    @property
    def is_over(self) -> bool:
        """Whether nothing is broken at the moment."""
        return not self._to_undo

    def strike(self) -> bool:
        """Do one fault; whether there was something to break."""
        first = self._first.pop() if self._first else None
        name = first or self._random.choices(list(self._weights), list(self._weights.values()))[0]
        self._pids = []
        at = time.time()
        try:
            struck = bool(getattr(self, name)())
        except (Unavailable, psutil.NoSuchProcess, redis.RedisError):
            struck = False  # another fault was there first
        if struck:
            self.struck_at = time.monotonic()
            self.done.append(Fault(name=name, at=at, pids=tuple(self._pids)))
        elif first and self._missed[first] < TRIES:
            self._missed[first] += 1
            self._first.insert(0, first)
        return struck

    def undo_all(self) -> None:
        """From now on nothing is broken, and nothing more is to be done."""
        self._over.set()
        self._nurse.join()
        for _, undo in self._to_undo:
            undo()
        self._to_undo.clear()
        for network in self._fleet.networks.values():
            network.mend()

    # Deaths

    def kill_worker(self) -> bool:
        worker = self._worker()
        return worker is not None and self._kill(worker)

    def kill_child(self) -> bool:
        for worker in self._media():
            if children := worker.children():
                self._pids.append(worker.pid)
                self._random.choice(children).kill()
                return True
        return False

    def kill_host(self) -> bool:
        """A worker with its child and all that it started, at one moment."""
        worker = next(iter(self._media()), None)
        if worker is None:
            return False
        worker.suspend()
        for child in worker.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        return self._kill(worker)

    def kill_after_commit(self) -> bool:
        """A worker that has recorded a success and does not know it yet, or has just learned it."""
        until = time.monotonic() + AIM_SECONDS
        newest = self._newest_success()
        while time.monotonic() < until:
            found = self._newest_success()
            if found is not None and newest is not None and found[0] > newest[0]:
                return self._kill(psutil.Process(int(found[1].split("-")[-2])))
            newest = found or newest
            time.sleep(0.003)
        return False

    def kill_web(self) -> bool:
        web = self._fleet.process("web")
        if web is None:
            return False
        web.kill()
        return True

    def kill_supervisor(self) -> bool:
        now = time.monotonic()
        if self._fleet.state is None or now - self._supervisor_killed_at < SUPERVISOR_REST:
            return False
        self._supervisor_killed_at = now
        self._fleet.kill_supervisor()
        return True

    def kill_postgres(self) -> bool:
        self._fleet.kill_postgres()
        return True

    def kill_valkey(self) -> bool:
        self._fleet.kill_valkey()
        return True

    def end_sweeper(self) -> bool:
        with self._fleet.database.statement() as connection:
            try:
                connection.execute(text(END_SWEEPER))
            except Exception:  # noqa: BLE001 - nobody swept, or Postgres went away meanwhile
                return False
        return True

    # Standstills

    def pause_worker(self) -> bool:
        """Beyond its lease; its child goes on, since a stop signal to a process group does not reach it."""
        worker = self._worker()
        if worker is None:
            return False
        self._pids.append(worker.pid)
        worker.suspend()
        self._later(LEASE + self._random.uniform(1, 3), functools.partial(_resume, worker))
        return True

    def freeze_host(self) -> bool:
        """A worker that works, with its child, beyond its lease. The child comes to first, and the worker late."""
        awake = [worker for worker in self._media() if worker.status() != psutil.STATUS_STOPPED]
        for worker in awake[1:]:  # somebody must be left who takes over
            if children := worker.children(recursive=True):
                self._pids.append(worker.pid)
                for process in (worker, *children):
                    process.suspend()
                seconds = LEASE + self._random.uniform(1, 3)
                for child in children:
                    self._later(seconds, functools.partial(_resume, child))
                self._later(seconds + self._random.choice((0.0, 1.0)), functools.partial(_resume, worker))
                return True
        return False

    def stall_postgres(self) -> bool:
        """A disk that answers nothing for some seconds."""
        family = self._fleet.postgres_family()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.suspend()

        def go_on() -> None:
            for process in reversed(family):
                _resume(process)

        self._later(self._random.uniform(0.5, 4), go_on)
        return bool(family)

    # Networks

    def cut(self) -> bool:
        return self._disturb(lambda network: network.cut(), self._random.uniform(0.5, 6))

    def hang(self) -> bool:
        """Half-open connections: nothing comes, nothing breaks."""
        return self._disturb(lambda network: network.hang(), self._random.uniform(1, 8))

    def slow(self) -> bool:
        delay = self._random.uniform(0.1, 1.0)
        return self._disturb(lambda network: setattr(network, "delay", delay), self._random.uniform(2, 6))

    def cut_at_accept(self) -> bool:
        """The web server from Postgres, in the middle of a transaction that accepts an upload."""
        network = self._fleet.networks["web", "postgres"]
        network.delay = ACCEPT_DELAY
        until = time.monotonic() + AIM_SECONDS
        struck = False
        while not struck and time.monotonic() < until:
            struck = self._is_accepting()
            if struck:
                network.cut()
            time.sleep(0.002)
        self._later(0.3, network.mend)
        return struck

    # Redis

    def flush(self) -> bool:
        redis.Redis.from_url(self._fleet.valkey.url).flushall()
        return True

    def fill_valkey(self) -> bool:
        """No memory left, and nothing may be evicted: every write is refused."""
        client = redis.Redis.from_url(self._fleet.valkey.url)
        client.config_set("maxmemory", FULL)

        def empty() -> None:
            with suppress(redis.RedisError):  # killed meanwhile: its configuration is fresh
                redis.Redis.from_url(self._fleet.valkey.url).config_set("maxmemory", 0)

        self._later(self._random.uniform(2, 8), empty)
        return True

    def repeat_wakes(self) -> bool:
        client = redis.Redis.from_url(self._fleet.valkey.url)
        for queue in QueueName:
            client.rpush(f"rq:queue:{queue}", *[keys.wake(queue)] * WAKES)
        return True

    def _later(self, seconds: float, undo: Callable[[], None]) -> None:
        self._to_undo.append((time.monotonic() + seconds, undo))

    def _undo_what_is_due(self) -> None:
        """In a thread of its own: whoever strikes may wait for a server that is stopped until this lets it go on."""
        while not self._over.wait(0.02):
            for due, undo in list(self._to_undo):
                if time.monotonic() >= due:
                    undo()
                    self._to_undo.remove((due, undo))

    def _kill(self, worker: psutil.Process) -> bool:
        self._pids.append(worker.pid)
        worker.kill()
        return True

    def _worker(self) -> psutil.Process | None:
        names = [name for name in self._fleet.processes if name != "web"]
        return self._fleet.process(self._random.choice(names))

    def _media(self) -> list[psutil.Process]:
        """The media workers that live, in any order."""
        found = [self._fleet.process(f"media-{number}") for number in range(1, MEDIA_WORKERS + 1)]
        living = [process for process in found if process is not None]
        return self._random.sample(living, len(living))

    def _disturb(self, how: Callable[..., None], seconds: float) -> bool:
        """Between one process, or all of them, and one store or both."""
        process = self._random.choice((*self._fleet.processes, None))
        store = self._random.choice(("postgres", "postgres", "valkey", None))
        disturbed = [
            network
            for (one, other), network in self._fleet.networks.items()
            if process in (None, one) and store in (None, other)
        ]
        for network in disturbed:
            how(network)
            self._later(seconds, network.mend)
        return True

    def _is_accepting(self) -> bool:
        """Whether a transaction has accepted a job and is not committed."""
        with self._fleet.database.statement() as connection:
            found = connection.execute(
                text(
                    "select count(*) from pg_stat_activity"
                    " where state = 'idle in transaction' and query like 'select accept_job(%'"
                )
            )
            return bool(found.scalar_one())

    def _newest_success(self) -> tuple[int, str] | None:
        with self._fleet.database.statement() as connection:
            row = connection.execute(
                text(
                    "select extract(epoch from finished_at) * 1e6 as at, worker from attempts"
                    " where outcome = 'succeeded' and worker like 'media-%' order by finished_at desc limit 1"
                )
            ).one_or_none()
        return None if row is None else (int(row.at), row.worker)


def _resume(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):  # killed asleep, or its number is another's by now
        if process.is_running():
            os.kill(process.pid, signal.SIGCONT)
