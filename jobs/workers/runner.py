"""Runs many stages at once: one asyncio loop that waits for them, one thread that claims and records."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from uuid import UUID

import structlog

from jobs.contract import Report
from jobs.lease_keeper import Key, LeaseKeeper, key_of
from jobs.pipeline import finish_of_error, run_attempt_on_loop, took_too_long
from jobs.recording import PERSIST_SECONDS, next_retry, record, released
from services.bootstrap import Services
from services.errors import JobCancelled, Unavailable
from services.model import PLAN, QueueName
from services.queue import StopCommand
from services.records import stages
from services.records.stages import Claim, Finish, Inputs, Outcome

THREADS = 32  # for stages that are no coroutines
LOSS_SECONDS = 0.5  # between looks for work that was taken away while the database hung

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """finish is None for what did not run to an end here."""

    key: Key
    finish: Finish | None


class Runner:
    """As many stages at once as there are slots. Every method may be called from any thread."""

    def __init__(self, services: Services, *, worker: str, changed: Callable[[], None]) -> None:
        """changed is called, from the runner's thread, when stages began or ended."""
        self._services = services
        self._worker = worker
        self._changed = changed
        self._slots = services.settings.ai_slots
        self._threads = ThreadPoolExecutor(max_workers=min(THREADS, self._slots), thread_name_prefix="stage")
        self._ended: SimpleQueue[Ended | None] = SimpleQueue()  # None: a nudge
        self._running: set[Key] = set()
        self._slot_free = threading.Condition()
        self._draining = threading.Event()
        self._tasks: dict[Key, asyncio.Task[Finish | None]] = {}  # touched on the loop only
        self._loop = asyncio.new_event_loop()
        self._keeper = LeaseKeeper(
            services.database,
            QueueName.AI,
            worker=worker,
            lease_seconds=services.settings.lease,
            beat_seconds=services.settings.beat,
            on_lost=lambda claim: self._on_loop(self._cancel, key_of(claim)),
            tell=services.progress.tell,
        )
        threading.Thread(target=self._run_loop, name="stages", daemon=True).start()
        self._thread = threading.Thread(target=self._run, name="runner", daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """There may be work."""
        self._ended.put(None)

    def is_idle(self) -> bool:
        return not self._running

    def is_full(self) -> bool:
        return len(self._running) >= self._slots

    def wait_for_slot(self, seconds: float) -> bool:
        """Whether a slot is free, or became free within the seconds."""
        with self._slot_free:
            return self._slot_free.wait_for(lambda: not self.is_full(), seconds)

    def stop_attempt(self, command: StopCommand) -> None:
        self._keeper.lose((command.stage_id, command.token))

    def drain(self, seconds: float) -> None:
        """Claim no more, wait a little, hand back the rest."""
        self._draining.set()
        with self._slot_free:
            self._slot_free.wait_for(self.is_idle, seconds)
        self._hand_back(self._keeper.held())
        self._thread.join(seconds)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hand_back(self, claims: Sequence[Claim]) -> None:
        """Put stages back that did not run to an end here; what ended in the meantime wins."""
        for claim in claims:
            self._ended.put(Ended(key=key_of(claim), finish=released(claim.stage_id, claim.token)))
            self._on_loop(self._cancel, key_of(claim))
        self.nudge()

    # On the runner's thread.

    def _run(self) -> None:
        unrecorded: list[Ended] = []
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
                self._changed()
            except Unavailable as error:
                log.warning("runner_waits", reason=str(error))
                time.sleep(PERSIST_SECONDS)
                self.nudge()
            except Exception:
                log.exception("runner_failed")
                time.sleep(PERSIST_SECONDS)
                self.nudge()

    def _collect(self, *, block: bool) -> list[Ended]:
        """What ended since the last look; waits for something when told to."""
        ended: list[Ended] = []
        try:
            first = self._ended.get(block=block)
            while True:
                if first is not None:
                    ended.append(first)
                first = self._ended.get_nowait()
        except Empty:
            return ended

    def _claim(self) -> None:
        more = True
        while more and (free := self._slots - len(self._running)):
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
                    inputs = stages.inputs(connection, sorted({claim.job_id for claim in claims}))
            except Exception:
                self._hand_back(claims)
                raise
            self._on_loop(self._start, claims, inputs)
            more = claims[-1].more
        if more and self.is_full():
            self._services.queue.try_to_ring(QueueName.AI)

    def _record(self, ended: Sequence[Ended]) -> None:
        """Record each running attempt's first ending; what was taken away is let go unrecorded."""
        first: dict[Key, Finish] = {}
        for one in ended:
            if one.key in self._running:
                first.setdefault(one.key, one.finish or released(*one.key))
        kept = [finish for key, finish in first.items() if not self._keeper.is_lost(key)]
        if kept:
            recorded = record(self._services.database, self._worker, kept)
            self._services.queue.try_to_ring(*(queue for queue in recorded.ready_queues if queue is not QueueName.AI))
            if (delay := next_retry(kept)) is not None:
                self._services.sweeper.arm(within=delay)
            for finish in kept:
                tell = log.debug if finish.outcome is Outcome.SUCCEEDED else log.info
                tell(
                    "stage_ended",
                    stage_id=finish.stage_id,
                    outcome=finish.outcome,
                    recorded=finish.stage_id in recorded.stage_ids,
                    reason=finish.reason,
                )
            log.info("stages_recorded", count=len(recorded.stage_ids), running=len(self._running) - len(kept))
        self._keeper.let_go(*first)
        with self._slot_free:
            self._running.difference_update(first)
            self._slot_free.notify_all()

    # On the loop.

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.call_later(LOSS_SECONDS, self._cancel_what_is_lost)
        self._loop.run_forever()

    def _on_loop(self, work: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(work, *arguments)

    def _start(self, claims: Sequence[Claim], inputs: Mapping[UUID, Inputs]) -> None:
        for claim in claims:
            task = self._loop.create_task(self._attempt(claim, inputs.get(claim.job_id)))
            self._tasks[key_of(claim)] = task
            # Not in the task itself: one that is cancelled before its first step runs none of its code.
            task.add_done_callback(functools.partial(self._end, claim))

    def _end(self, claim: Claim, task: asyncio.Task[Finish | None]) -> None:
        self._tasks.pop(key_of(claim), None)
        self._ended.put(Ended(key=key_of(claim), finish=None if task.cancelled() else task.result()))

    def _cancel(self, key: Key) -> None:
        task = self._tasks.get(key)
        if task is not None:
            task.cancel()

    def _cancel_what_is_lost(self) -> None:
        """The keeper tells of a loss at once, but not while a beat of its own hangs."""
        for key in [key for key in self._tasks if self._keeper.is_lost(key)]:
            self._cancel(key)
        self._loop.call_later(LOSS_SECONDS, self._cancel_what_is_lost)

    async def _attempt(self, claim: Claim, inputs: Inputs | None) -> Finish | None:
        """What is to be recorded; None for what was taken away. Nothing but its own cancellation escapes."""
        log.debug("stage_started", job_id=str(claim.job_id), stage=claim.name, attempt=claim.attempt)
        if self._keeper.is_lost(key_of(claim)):
            return None
        try:
            if inputs is None:
                raise LookupError(f"the video {claim.video_id} has no source")
            return await run_attempt_on_loop(claim, inputs, self._services.storage, self._report(claim), self._threads)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return finish_of_error(claim, error)  # the stage cancelled something of its own
        except BaseException as error:  # noqa: BLE001 - a stage that asks to exit must not end the loop
            return finish_of_error(claim, error)

    def _report(self, claim: Claim) -> Report:
        """A plain stage learns here that it must end; a coroutine is cancelled."""
        key = key_of(claim)
        started: float | None = None

        def report(percent: float, message: str) -> None:
            nonlocal started
            started = started or time.monotonic()  # at the first report: it may have waited for a thread
            if self._keeper.is_lost(key):
                raise JobCancelled("The stage was taken away from this worker.")
            if time.monotonic() - started > PLAN[claim.name].timeout:
                raise took_too_long(claim.name)
            self._keeper.say(key, percent, message)

        return report
