"""The ai worker: many stages at once in one process, claimed and recorded in batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

import structlog
from rq.worker import WorkerStatus

from jobs.lease_keeper import Key, LeaseKeeper, key_of
from jobs.pipeline import run_attempt
from jobs.recording import record, released
from jobs.workers.bell import (
    DRAIN_SECONDS,
    PERSIST_SECONDS,
    BellWorker,
    connect_worker,
    run_worker,
)
from services.bootstrap import Services
from services.errors import JobCancelled, PermanentFailure, Unavailable
from services.model import PLAN, QueueName
from services.queue import StopCommand
from services.records import stages
from services.records.stages import Claim, Finish, Inputs
from services.settings import Settings

log = structlog.get_logger()


class AiWorker(BellWorker):
    """RQ's loop hears the bell and nudges the runner; the runner claims, runs and records."""

    def __init__(self, services: Services) -> None:
        super().__init__(QueueName.AI, services, connect_worker(services))
        self._runner = Runner(services, worker=self.name)

    def answer_wake(self) -> None:
        self._runner.nudge()
        self.tell_state(WorkerStatus.BUSY)
        # A full runner needs no wakes: a peer may hear the next one, and the runner claims again by itself.
        while not self._stop_requested and not self._runner.wait_for_slot(0.5):
            self.tell_heartbeat()

    def stop_attempt(self, command: StopCommand) -> None:
        self._runner.stop_attempt(command)

    def teardown(self) -> None:
        self._runner.drain(DRAIN_SECONDS)
        super().teardown()


class Runner:
    """A thread that claims into free slots and records what ended, and a pool that runs the stages."""

    def __init__(self, services: Services, *, worker: str) -> None:
        self._services = services
        self._worker = worker
        self._slots = services.settings.ai_slots
        self._pool = ThreadPoolExecutor(max_workers=self._slots, thread_name_prefix="stage")
        self._ended: SimpleQueue[Finish | None] = SimpleQueue()  # None: a nudge
        self._running: set[Key] = set()
        self._slot_free = threading.Condition()
        self._draining = threading.Event()
        self._keeper = LeaseKeeper(
            services.database,
            QueueName.AI,
            worker=worker,
            lease_seconds=services.settings.lease,
            beat_seconds=services.settings.beat,
            on_lost=lambda claim: None,
        )
        self._thread = threading.Thread(target=self._run, name="runner", daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """There may be work."""
        self._ended.put(None)

    def wait_for_slot(self, seconds: float) -> bool:
        """Whether a slot is free, or became free within the seconds."""
        with self._slot_free:
            return self._slot_free.wait_for(lambda: len(self._running) < self._slots, seconds)

    def stop_attempt(self, command: StopCommand) -> None:
        self._keeper.lose((command.stage_id, command.token))

    def drain(self, seconds: float) -> None:
        """Claim no more, wait a little, hand back the rest."""
        self._draining.set()
        with self._slot_free:
            self._slot_free.wait_for(lambda: not self._running, seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._hand_back(self._keeper.held())
        self._thread.join(seconds)

    def _hand_back(self, claims: Sequence[Claim]) -> None:
        """Put stages back that did not run to an end here; what ended in the meantime wins."""
        for claim in claims:
            self._ended.put(released(claim.stage_id, claim.token))
        self.nudge()

    def _run(self) -> None:
        unrecorded: list[Finish] = []
        while True:
            unrecorded += self._collect(block=not unrecorded)
            try:
                if unrecorded:
                    self._record(unrecorded)
                    unrecorded = []
                if self._draining.is_set():
                    if not self._running:
                        return
                    continue
                self._claim()
            except Unavailable as error:
                log.warning("runner_waits", reason=str(error))
                time.sleep(PERSIST_SECONDS)
                self.nudge()
            except Exception:
                log.exception("runner_failed")
                time.sleep(PERSIST_SECONDS)
                self.nudge()

    def _collect(self, *, block: bool) -> list[Finish]:
        """What ended since the last look; waits for something when told to."""
        ended: list[Finish] = []
        try:
            first = self._ended.get(block=block)
            while True:
                if first is not None:
                    ended.append(first)
                first = self._ended.get_nowait()
        except Empty:
            return ended

    def _claim(self) -> None:
        while free := self._slots - len(self._running):
            claims = self._keeper.claim(limit=free, cap=self._services.settings.ai_cap_per_user)
            if not claims:
                return
            with self._slot_free:
                self._running.update(key_of(claim) for claim in claims)
            if self._draining.is_set():
                self._hand_back(claims)
                return
            try:
                with self._services.database.statement() as connection:
                    inputs = stages.inputs(connection, sorted({claim.video_id for claim in claims}))
            except Unavailable:
                self._hand_back(claims)
                raise
            for claim in claims:
                self._pool.submit(self._attempt, claim, inputs[claim.video_id])
            if claims[-1].more and len(self._running) >= self._slots:
                self._services.queue.try_to_ring(QueueName.AI)

    def _attempt(self, claim: Claim, inputs: Inputs) -> None:
        deadline = time.monotonic() + PLAN[claim.name].timeout

        def report(percent: float, message: str) -> None:
            if self._keeper.is_lost(key_of(claim)):
                raise JobCancelled("The job was cancelled, or the stage was taken away.")
            if time.monotonic() > deadline:
                raise PermanentFailure(f"It took longer than {PLAN[claim.name].timeout / 60:.0f} min and was stopped.")
            self._keeper.say(key_of(claim), percent, message)

        log.info("stage_started", job_id=str(claim.job_id), stage=claim.name, attempt=claim.attempt)
        self._ended.put(run_attempt(claim, inputs, self._services.storage, report))

    def _record(self, finishes: Sequence[Finish]) -> None:
        """Record each running attempt's first ending; what was taken away is let go unrecorded."""
        first: dict[Key, Finish] = {}
        for finish in finishes:
            if key_of(finish) in self._running:
                first.setdefault(key_of(finish), finish)
        kept = [finish for key, finish in first.items() if not self._keeper.is_lost(key)]
        if kept:
            recorded = record(self._services.database, self._worker, kept)
            self._services.queue.try_to_ring(*(queue for queue in recorded.ready_queues if queue is not QueueName.AI))
            for finish in kept:
                log.info(
                    "stage_ended",
                    stage_id=finish.stage_id,
                    outcome=finish.outcome,
                    recorded=finish.stage_id in recorded.stage_ids,
                    reason=finish.reason,
                )
        for key in first:
            self._keeper.let_go(key)
        with self._slot_free:
            self._running.difference_update(first)
            self._slot_free.notify_all()


def main(settings: Settings) -> None:
    """Run one ai worker until it is told to stop."""
    run_worker(settings, AiWorker)
