"""The media worker: one stage at a time, in a child that can be killed."""

from __future__ import annotations

import time

import structlog
from rq.worker import WorkerStatus

from jobs.lease_keeper import LeaseKeeper, key_of
from jobs.pipeline import run_attempt
from jobs.recording import PERSIST_SECONDS, next_retry, record, released
from jobs.workers.bell import DRAIN_SECONDS, BellWorker, run_worker
from jobs.workers.child import Bounds, Child
from services.bootstrap import Services
from services.errors import Unavailable
from services.model import PLAN, QueueName
from services.queue import StopCommand
from services.records import stages
from services.records.stages import Claim, Finish
from services.settings import Settings

log = structlog.get_logger()


class MediaWorker(BellWorker):
    """Claims, beats, watches and kills; the child does the work."""

    def __init__(self, services: Services) -> None:
        super().__init__(QueueName.MEDIA, services)
        settings = services.settings
        self._child: tuple[Claim, Child] | None = None
        self._keeper = LeaseKeeper(
            services.database,
            QueueName.MEDIA,
            worker=self.name,
            lease_seconds=settings.lease,
            beat_seconds=settings.beat,
            on_lost=self._kill,
            tell=services.progress.tell,
        )

    def answer_wake(self) -> None:
        while not self._stop_requested:
            try:
                claims = self._keeper.claim(limit=1, cap=self.services.settings.media_cap_per_user)
            except Unavailable as error:
                log.warning("claim_failed", reason=str(error))
                self._pause(PERSIST_SECONDS)
                continue
            if not claims:
                return
            claim = claims[0]
            if claim.more:
                self.services.queue.try_to_ring(QueueName.MEDIA)
            self.set_state(WorkerStatus.BUSY)
            try:
                self._run(claim)
            finally:
                self._keeper.let_go(key_of(claim))

    def stop_attempt(self, command: StopCommand) -> None:
        self._keeper.lose((command.stage_id, command.token))

    def _run(self, claim: Claim) -> None:
        bound = log.bind(job_id=str(claim.job_id), stage=claim.name, attempt=claim.attempt, fence=claim.token)
        bound.info("stage_started")
        started = time.monotonic()
        finish = self._attempt(claim)
        if finish is None:
            bound.info("stage_taken_away")
            return
        recorded = self._record(claim, finish)
        bound.info(
            "stage_ended",
            outcome=finish.outcome,
            recorded=recorded,
            reason=finish.reason,
            seconds=round(time.monotonic() - started, 2),
        )

    def _attempt(self, claim: Claim) -> Finish | None:
        inputs = None
        while inputs is None:
            try:
                with self.services.database.transaction() as connection:
                    inputs = stages.inputs(connection, [claim.job_id])[claim.job_id]
            except Unavailable:
                if self._keeper.is_lost(key_of(claim)):
                    return None
                if self._stop_requested:
                    return released(claim.stage_id, claim.token)
                self._pause(PERSIST_SECONDS)
        child = Child(claim, lambda report: run_attempt(claim, inputs, self.services.storage, report))
        self._child = (claim, child)
        if self._keeper.is_lost(key_of(claim)):
            child.kill()
        stop_at = 0.0

        def must_stop() -> bool:
            nonlocal stop_at
            if not self._stop_requested:
                return False
            stop_at = stop_at or time.monotonic() + DRAIN_SECONDS
            return time.monotonic() >= stop_at

        try:
            return child.watch(
                Bounds(seconds=PLAN[claim.name].timeout, memory=self.services.settings.worker_memory_limit),
                say=lambda percent, message: self._keeper.say(key_of(claim), percent, message),
                is_lost=lambda: self._keeper.is_lost(key_of(claim)),
                must_stop=must_stop,
                tick=self.heartbeat,
            )
        finally:
            self._child = None

    def _record(self, claim: Claim, finish: Finish) -> bool:
        """Whether the outcome stands. Keeps trying while Postgres is away and the stage is still ours."""
        while not self._keeper.is_lost(key_of(claim)):
            try:
                recorded = record(self.services.database, self.name, [finish])
            except Unavailable as error:
                log.warning("record_failed", reason=str(error))
                time.sleep(PERSIST_SECONDS)
                continue
            if (delay := next_retry([finish])) is not None:
                self.services.sweeper.arm(within=delay)
            others = (queue for queue in recorded.ready_queues if queue is not QueueName.MEDIA or self._stop_requested)
            self.services.queue.try_to_ring(*others)  # this worker claims again by itself, and rings on if more is left
            return claim.stage_id in recorded.stage_ids
        return False

    def _kill(self, claim: Claim) -> None:
        current = self._child
        if current is not None and key_of(current[0]) == key_of(claim):
            current[1].kill()


def main(settings: Settings) -> None:
    """Run one media worker until it is told to stop."""
    run_worker(settings, MediaWorker)
