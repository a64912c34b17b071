"""Takes back what dead workers held, rings where work waits, and removes files that no row names."""

from __future__ import annotations

import threading
import time

import structlog

from services.database import Database
from services.errors import Unavailable
from services.queue import Queue
from services.records import notifications, stages, uploads, videos
from services.records.stages import Swept
from services.storage import LocalStorage

ORPHAN_SECONDS = 24 * 3600.0
ORPHAN_SWEEP_SECONDS = 3600.0
STOP_SECONDS = 5.0
LEAST_SECONDS = 0.1  # between two sweeps, however much falls due

log = structlog.get_logger()


class Sweeper:
    """A thread that sweeps while it is armed, and asks nobody anything when nothing is ready, running or due.

    Whoever starts, accepts, claims, or finds Redis back arms the sweeper of its process; Postgres lets one sweep at a
    time.
    """

    def __init__(self, database: Database, queue: Queue, storage: LocalStorage, *, seconds: float) -> None:
        self._database = database
        self._queue = queue
        self._storage = storage
        self._seconds = seconds
        self._change = threading.Condition()
        self._due: float | None = None  # when to sweep next; None: nothing is left to wait for
        self._swept_at = -seconds
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._files_swept_at: float | None = None

    def arm(self, *, within: float | None = None) -> None:
        """Sweep soon, but not more often than at the interval; or within so many seconds, when something falls due."""
        now = time.monotonic()
        if within is None:
            due = max(now, self._swept_at + self._seconds)
        else:
            due = max(now + within, self._swept_at + LEAST_SECONDS)
        with self._change:
            self._due = due if self._due is None else min(self._due, due)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def stop(self) -> None:
        """Sweep no more; a sweep under way ends first."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def sweep(self) -> Swept | None:
        """One sweep now; None when another process is at it. Raises Unavailable."""
        with self._database.statement() as connection:
            swept = stages.sweep(connection)
        if swept is not None:
            if swept.taken_back:
                log.warning("stages_taken_back", count=swept.taken_back)
            if swept.lost_workers:
                self._queue.forget_workers(swept.lost_workers)
            if swept.ready_queues:
                self._queue.try_to_ring(*swept.ready_queues)
        return swept

    def sweep_files(self) -> int:
        """Remove files older than a day that no row names, uploads given up, and old messages; how many files."""
        removed = 0
        keys = list(self._storage.older_than(ORPHAN_SECONDS))
        incoming = list(self._storage.incoming_older_than(ORPHAN_SECONDS))
        with self._database.transaction() as connection:
            known = videos.known_storage_keys(connection, keys)
            given_up = uploads.give_up(connection)
            under_way = uploads.under_way(connection, incoming)
            notifications.drop_old(connection)
        for key in keys:
            if key not in known:
                self._storage.drop(key)
                removed += 1
        for upload_id in given_up.union(incoming) - under_way:
            if self._storage.has_incoming(upload_id):
                self._storage.drop_incoming(upload_id)
                removed += 1
        return removed

    def _run(self) -> None:
        while self._wait_until_due():
            again: float | None = self._seconds
            try:
                again = self._sweep_once()
                self._sweep_files_at_times()
            except Unavailable as error:
                log.warning("sweep_failed", reason=str(error))
            except Exception:
                log.exception("sweep_failed")
            if again is not None:
                self.arm(within=again)

    def _wait_until_due(self) -> bool:
        """Whether a sweep is due; False: none will be."""
        with self._change:
            while not self._stopped and (self._due is None or self._due > time.monotonic()):
                self._change.wait(None if self._due is None else self._due - time.monotonic())
            self._due = None
            self._swept_at = time.monotonic()
            return not self._stopped

    def _sweep_once(self) -> float | None:
        """Sweep; within how many seconds to do so again, None when nothing is left to wait for."""
        swept = self.sweep()
        if swept is not None and not (swept.running or swept.ready_queues or swept.due_in is not None):
            return None
        # Neither a retry that falls due nor a dead worker's lease that ends waits for the interval.
        return min(self._seconds, swept.due_in) if swept is not None and swept.due_in is not None else self._seconds

    def _sweep_files_at_times(self) -> None:
        if self._files_swept_at is None or time.monotonic() - self._files_swept_at > ORPHAN_SWEEP_SECONDS:
            self._files_swept_at = time.monotonic()
            removed = self.sweep_files()
            if removed:
                log.info("orphans_removed", count=removed)
