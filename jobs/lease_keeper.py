"""Holds a worker process's lease: says what it runs and how far, and learns what it may no longer run."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import structlog

from jobs.recording import record, released
from services.database import Database
from services.errors import Unavailable
from services.model import QueueName
from services.progress import StageProgress
from services.records import stages
from services.records.stages import Claim, Finish, Lease

Key = tuple[int, int]  # an attempt: stage id and token
GIVE_UP_BEFORE = 3.0  # seconds before the lease ends in which the work must be dead
TELL_STEP = 20.0  # percent points that are told at the next beat
TELL_EVERY = 5.0  # seconds after which any change is told
CUT_OFF = "The worker could not reach the database for a while; the stage goes on elsewhere."

log = structlog.get_logger()


@dataclass(kw_only=True)
class _Held:
    claim: Claim
    percent: float = 0.0
    message: str = ""
    lost: bool = False
    told: tuple[float, str] | None = None

    def step(self) -> float:
        """Percent points since it was last told; all of them when it never was."""
        return 100.0 if self.told is None else self.percent - self.told[0]


def key_of(attempt: Claim | Finish) -> Key:
    return attempt.stage_id, attempt.token


class LeaseKeeper:
    """Beats while something is held, and only then. on_lost is called, from the beating thread, for what is taken away.

    A lease that cannot be renewed is given up with all that it holds before it ends, and a new one is begun: work of
    a worker that was paused or cut off is never finished by it. Once Postgres answers, what was given up is handed
    back, so that being cut off does not count as a death.
    """

    def __init__(
        self,
        database: Database,
        queue: QueueName,
        *,
        worker: str,
        lease_seconds: float,
        beat_seconds: float,
        on_lost: Callable[[Claim], None],
        tell: Callable[[Sequence[StageProgress]], None],
    ) -> None:
        self._database = database
        self._queue = queue
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._beat_seconds = beat_seconds
        self._on_lost = on_lost
        self._tell = tell
        self._told_at = 0.0
        self._given_up: list[Claim] = []
        self._lock = threading.Lock()
        self._held: dict[Key, _Held] = {}
        self._holding = threading.Condition(self._lock)
        self._lease = self._new_lease()
        self._renewed_at = time.monotonic()
        self._thread = threading.Thread(target=self._beat_for_ever, name="lease keeper", daemon=True)
        self._thread.start()

    def claim(self, *, limit: int, cap: int) -> tuple[Claim, ...]:
        """Claim stages and hold them. Raises Unavailable."""
        asked_at = time.monotonic()
        with self._lock:
            lease = self._lease
        with self._database.statement() as connection:
            claims = stages.claim_many(
                connection, self._queue, lease, seconds=self._lease_seconds, limit=limit, cap=cap
            )
        claimed = {claim.stage_id for claim in claims}
        with self._lock:
            if claims:
                self._renewed_at = asked_at
            before = [key for key in self._held if key[0] in claimed]
            for claim in claims:
                self._held[key_of(claim)] = _Held(claim=claim)
            self._holding.notify_all()
        for key in before:  # taken away and claimed again, before a beat told
            self.lose(key)
        return claims

    def let_go(self, *keys: Key) -> None:
        """These have ended here, whatever came of them."""
        with self._lock:
            gone = [held for key in keys if (held := self._held.pop(key, None)) is not None]
            if self._is_overdue():
                self._given_up += [held.claim for held in gone if not held.lost]
        if gone:
            self._tell([_told(held.claim, None) for held in gone])

    def held(self) -> tuple[Claim, ...]:
        with self._lock:
            return tuple(held.claim for held in self._held.values() if not held.lost)

    def say(self, key: Key, percent: float, message: str) -> None:
        """Note how far an attempt is; the next beat tells."""
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                held.percent, held.message = min(100.0, max(held.percent, percent)), message[:200]

    def is_lost(self, key: Key) -> bool:
        """Whether an attempt was taken away or is not held, or the lease may end: also while a beat hangs."""
        with self._lock:
            held = self._held.get(key)
            return held is None or held.lost or self._is_overdue()

    def lose(self, key: Key) -> None:
        """A stop command came for this attempt."""
        with self._lock:
            held = self._held.get(key)
            if held is None or held.lost:
                return
            held.lost = True
        self._on_lost(held.claim)

    def _beat_for_ever(self) -> None:
        while True:
            with self._lock:
                while not self._held and not self._given_up:
                    self._holding.wait()
            started = time.monotonic()
            self._hand_back()
            self._beat()
            self._tell_progress()
            time.sleep(max(0.05, self._beat_seconds - (time.monotonic() - started)))

    def _beat(self) -> None:
        asked_at = time.monotonic()
        with self._lock:
            lease = self._lease
            holding = dict(key for key, held in self._held.items() if not held.lost)
            progress: dict[int, dict[str, object]] = {
                key[0]: {"percent": round(held.percent, 1), "message": held.message}
                for key, held in self._held.items()
                if not held.lost
            }
            overdue = self._is_overdue()
        if not holding:
            return
        lost: frozenset[int] | None = frozenset()
        try:
            if not overdue:
                with self._database.statement() as connection:
                    lost = stages.beat(connection, lease, seconds=self._lease_seconds, progress=progress, held=holding)
                with self._lock:
                    self._renewed_at = asked_at
        except Unavailable as error:
            log.warning("beat_failed", reason=str(error))
        except Exception:
            log.exception("beat_failed")
        if overdue or lost is None:
            log.warning("lease_lapsed", held=len(holding))
            self._give_up(lease)
            lost = frozenset(holding)
        for stage_id in lost:
            self.lose((stage_id, holding[stage_id]))

    def _is_overdue(self) -> bool:
        return time.monotonic() - self._renewed_at > self._lease_seconds - GIVE_UP_BEFORE

    def _give_up(self, lease: Lease) -> None:
        with self._lock:
            self._given_up += [held.claim for held in self._held.values() if not held.lost]
            if self._lease.id == lease.id:
                self._lease = self._new_lease()
                self._renewed_at = time.monotonic()

    def _hand_back(self) -> None:
        """Tell, as soon as Postgres answers, that what was given up ran under a worker that lives."""
        with self._lock:
            claims = list(self._given_up)
        if not claims:
            return
        try:
            record(self._database, self._worker, [released(claim.stage_id, claim.token, CUT_OFF) for claim in claims])
        except Unavailable:
            return
        except Exception:
            log.exception("not_handed_back")
        with self._lock:
            del self._given_up[: len(claims)]

    def _tell_progress(self) -> None:
        now = time.monotonic()
        with self._lock:
            changed = [held for held in self._held.values() if held.told != (held.percent, held.message)]
            if not any(held.step() >= TELL_STEP for held in changed) and now - self._told_at < TELL_EVERY:
                return
            for held in changed:
                held.told = held.percent, held.message
        if changed:
            self._told_at = now
            self._tell([_told(held.claim, held.percent, held.message) for held in changed])

    def _new_lease(self) -> Lease:
        return Lease(id=uuid4(), worker=self._worker, host=socket.gethostname(), pid=os.getpid())


def _told(claim: Claim, percent: float | None, message: str = "") -> StageProgress:
    return StageProgress(
        job_id=claim.job_id, video_id=claim.video_id, stage=claim.name, percent=percent, message=message
    )
