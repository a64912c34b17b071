"""The hub of live status: one per web process, in memory, fed by Redis and asked of Postgres only where it must be."""

from __future__ import annotations

import enum
import json
import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from uuid import UUID

import structlog

from services.database import Database
from services.errors import Unavailable
from services.live_job import LiveJob, as_item, as_loaded, moved
from services.model import JobState, User
from services.permissions import Action, use_case
from services.progress import Progress, StageProgress
from services.records import live
from services.records.live import WatchedJob

MOST_JOBS = 1000  # unfinished jobs that are shown to whoever comes; a further one once it moves
ENDED_SECONDS = 60.0  # for which a job that ended is still told to whoever comes
PAUSE = 0.25  # seconds at least between two questions to Postgres
WORK_SHARE = 0.2  # of the time at most that these questions take, however much changes
DEAF_PAUSE = 2.0  # seconds between two questions while Redis is not heard, or Postgres did not answer
SILENCE = 10.0  # seconds after which a running job of which nothing was heard is asked for: messages may be lost
QUEUED_SILENCE = 60.0  # the same for one that waits, and not before it may start

log = structlog.get_logger()


class Source(enum.StrEnum):
    """What the news come from."""

    LIVE = "live"  # Redis tells at once
    SLOW = "slow"  # Redis is not heard: Postgres is asked every other second
    AWAY = "away"  # Postgres does not answer: what is shown may be old


class Viewer:
    """What one stream has not sent yet: the newest of each job, so that a slow reader misses only what is outdated.

    wake is called, from any thread, when there is something to take; it must not block.
    """

    def __init__(self, user: User, wake: Callable[[], None], *, only: UUID | None = None) -> None:
        self.user = user
        self._only = only
        self._wake = wake
        self._lock = threading.Lock()
        self._jobs: dict[UUID, bytes] = {}
        self._first: list[bytes] = []

    def looks_for(self, job: LiveJob) -> bool:
        """Whether this viewer is shown the job."""
        return self._only in {None, job.id} and job.may_be_seen_by(self.user)

    def offer(self, job_id: UUID, event: bytes) -> None:
        with self._lock:
            is_news = not self._jobs and not self._first
            self._jobs[job_id] = event
        if is_news:
            self._wake()

    def say(self, event: bytes, *, instead: bool = False) -> None:
        """An event that goes before those of jobs; instead drops what waits, since this tells all of it."""
        with self._lock:
            if instead:
                self._jobs.clear()
                self._first.clear()
            self._first.append(event)
        self._wake()

    def take(self) -> bytes:
        with self._lock:
            taken = b"".join((*self._first, *self._jobs.values()))
            self._first.clear()
            self._jobs.clear()
        return taken


class Hub:
    """Keeps the newest of each unfinished job while somebody looks, and nothing otherwise. Safe from any thread."""

    def __init__(self, database: Database, progress: Progress) -> None:
        self._database = database
        self._progress = progress
        self._hears: Callable[[], bool] = lambda: False
        self._asking = threading.Lock()  # one question to Postgres at a time, so that no old answer follows a new one
        self._changed = threading.Condition()  # guards what follows
        self._viewers: set[Viewer] = set()
        self._jobs: dict[UUID, LiveJob] = {}
        self._touched: dict[UUID, float] = {}  # when each job was last heard of or asked for
        self._asked_for: set[UUID] = set()
        self._loaded = False
        self._all_due = False
        self._source = Source.LIVE
        self._next_question = 0.0
        self._refused_at = -DEAF_PAUSE  # when Postgres last did not answer
        self._stopped = False
        self._thread: threading.Thread | None = None

    # What is heard of Redis.

    def heard_by(self, hears: Callable[[], bool]) -> None:
        """Whoever listens for this hub, and whether it hears now."""
        self._hears = hears

    def begin_to_hear(self) -> None:
        """What was published before was not heard: everything may have changed."""
        with self._changed:
            self._all_due = bool(self._viewers)
            self._changed.notify_all()

    def cease_to_hear(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def hear(self, data: object) -> None:
        """A message on the channel of progress."""
        with self._changed:
            if not self._viewers or not isinstance(data, bytes):
                return
            for told in self._progress.read(data):
                job = self._jobs.get(told.job_id)
                after = moved(job, told) if job is not None and isinstance(told, StageProgress) else None
                if after is None:
                    self._asked_for.add(told.job_id)
                else:
                    self._touched[told.job_id] = time.monotonic()
                    self._show(after)
            if self._asked_for:
                self._changed.notify_all()

    # What viewers do.

    @use_case(Action.SEE)
    def join(
        self, user: User, wake: Callable[[], None], *, also: Collection[UUID] = (), only: UUID | None = None
    ) -> Viewer:
        """A viewer, with a snapshot to take first; also names jobs whose end they may have missed.

        only names the one job that is looked for.
        """
        viewer = Viewer(user, wake, only=only)
        also = also if only is None else (only,)
        with self._changed:
            self._viewers.add(viewer)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="live hub", daemon=True)
                self._thread.start()
            missing = [job_id for job_id in also if job_id not in self._jobs]
        if missing or not self._loaded:
            with self._asking:
                # Where Postgres has just not answered one, the next do not wait for it too: the hub's thread goes on.
                may_ask = time.monotonic() - self._refused_at > DEAF_PAUSE
                if may_ask and (missing or not self._loaded):
                    self._ask(everything=not self._loaded, job_ids=missing)
        with self._changed:
            self._drop_ended()
            items = [self._item(job) for job in self._jobs.values() if viewer.looks_for(job)]
            viewer.say(_event("snapshot", {"source": self._source, "jobs": items}), instead=True)
            self._changed.notify_all()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """The last one to leave takes all that is kept along."""
        with self._changed:
            self._viewers.discard(viewer)
            if not self._viewers:
                self._forget()

    def count(self) -> int:
        """How many look."""
        with self._changed:
            return len(self._viewers)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    # The hub's own thread asks Postgres.

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (wait := self._wait()) != 0:
                    self._changed.wait(wait)
                if self._stopped:
                    return
                everything = self._all_due or self._source is not Source.LIVE or not self._hears()
                job_ids = set(self._asked_for) | self._silent()
                self._asked_for.clear()
                self._all_due = False
            started = time.monotonic()
            with self._asking:
                answered = self._ask(everything=everything, job_ids=job_ids)
            now = time.monotonic()
            pause = max(PAUSE, (now - started) * (1 / WORK_SHARE - 1))
            with self._changed:
                self._next_question = now + (pause if answered and self._hears() else max(DEAF_PAUSE, pause))

    def _wait(self) -> float | None:
        """Seconds until Postgres is to be asked, 0 for now; None: until something happens."""
        if not self._viewers:
            return None
        now = time.monotonic()
        if self._all_due or self._asked_for or self._source is not Source.LIVE or not self._hears():
            return max(0.0, self._next_question - now)
        due = [self._due_at(job) for job in self._jobs.values() if job.is_unfinished]
        if not due:
            return None
        return max(0.0, self._next_question - now, min(due) - now)

    def _silent(self) -> set[UUID]:
        now = time.monotonic()
        return {job.id for job in self._jobs.values() if job.is_unfinished and self._due_at(job) <= now}

    def _due_at(self, job: LiveJob) -> float:
        """When an unfinished job is asked for if nothing is heard of it, by the monotonic clock."""
        told = job.watched.job
        if told.state is JobState.RUNNING:
            return self._touched[job.id] + SILENCE
        starts_in = (told.starts_at - datetime.now(UTC)).total_seconds()
        return max(self._touched[job.id] + QUEUED_SILENCE, time.monotonic() + starts_in)

    def _ask(self, *, everything: bool, job_ids: Collection[UUID]) -> bool:
        """Whether Postgres answered. Called under the lock for asking."""
        with self._changed:
            known = {job.id for job in self._jobs.values() if job.is_unfinished} if everything else set()
        wanted = known | set(job_ids)
        as_of = time.time()
        try:
            found = self._find(everything, wanted)
        except Unavailable as error:
            log.warning("live_without_postgres", reason=str(error))
            with self._changed:
                self._refused_at = time.monotonic()
                self._asked_for |= set(job_ids)
                self._tell_source(Source.AWAY)
            return False
        except Exception:
            log.exception("live_failed")
            with self._changed:
                self._tell_source(Source.AWAY)
            return False
        with self._changed:
            if self._viewers:
                self._take_in(found, wanted, as_of)
                self._loaded = self._loaded or everything
            self._tell_source(Source.LIVE if self._hears() else Source.SLOW)
        return True

    def _find(self, everything: bool, job_ids: Collection[UUID]) -> tuple[WatchedJob, ...]:
        with self._database.statement() as connection:
            if everything:
                return live.unfinished(connection, limit=MOST_JOBS, also=job_ids)
            return live.find(connection, job_ids) if job_ids else ()

    # Under the lock.

    def _take_in(self, found: Collection[WatchedJob], wanted: Collection[UUID], as_of: float) -> None:
        now = time.monotonic()
        for watched in found:
            before = self._jobs.get(watched.job.id)
            job = as_loaded(watched, before, as_of=as_of)
            if before is None or before.is_unfinished or job.is_unfinished:
                self._touched[job.id] = now
            if before is None or not job.shows_the_same_as(before):
                self._show(job)
            else:
                self._jobs[job.id] = job
        for job_id in set(wanted) - {watched.job.id for watched in found}:  # its video was removed
            self._drop(job_id)
        self._drop_ended()

    def _drop_ended(self) -> None:
        now = time.monotonic()
        for job in [job for job in self._jobs.values() if not job.is_unfinished]:
            if now - self._touched[job.id] > ENDED_SECONDS:
                self._drop(job.id)

    def _show(self, job: LiveJob) -> None:
        self._jobs[job.id] = job
        viewers = [viewer for viewer in self._viewers if viewer.looks_for(job)]
        if viewers:
            event = _event("job", self._item(job))
            for viewer in viewers:
                viewer.offer(job.id, event)

    def _item(self, job: LiveJob) -> dict[str, object]:
        return as_item(job, now=datetime.now(UTC))

    def _drop(self, job_id: UUID) -> None:
        self._jobs.pop(job_id, None)
        self._touched.pop(job_id, None)

    def _tell_source(self, source: Source) -> None:
        if source is not self._source:
            self._source = source
            for viewer in self._viewers:
                viewer.say(_event("source", {"source": source}))

    def _forget(self) -> None:
        self._jobs.clear()
        self._touched.clear()
        self._asked_for.clear()
        self._loaded = False
        self._all_due = False


def _event(name: str, data: object) -> bytes:
    """One server-sent event; JSON has no line ends of its own."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
