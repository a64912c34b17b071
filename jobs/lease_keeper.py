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
UNCERTAIN_SECONDS = 15.0  # after a claim that failed, for beats to find what it claimed all the same
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
        self._lock = threading.Lock()
        self._held: dict[Key, _Held] = {}
        self._given_up: list[Key] = []
        self._uncertain_until = 0.0
        self._work = threading.Condition(self._lock)
        self._lease = self._new_lease()
        self._renewed_at = time.monotonic()
        self._thread = threading.Thread(target=self._beat_for_ever, name="lease keeper", daemon=True)
        self._thread.start()

    def claim(self, *, limit: int, cap: int) -> tuple[Claim, ...]:
        """Claim stages and hold them. Raises Unavailable; what was claimed all the same, the next beats hand back."""
        asked_at = time.monotonic()
        with self._lock:
            lease = self._lease
        try:
            with self._database.statement() as connection:
                claims = stages.claim_many(
                    connection, self._queue, lease, seconds=self._lease_seconds, limit=limit, cap=cap
                )
        except Exception:
            with self._lock:
                self._uncertain_until = time.monotonic() + UNCERTAIN_SECONDS
                self._work.notify_all()
            raise
        claimed = {claim.stage_id for claim in claims}
        with self._lock:
            self._work.notify_all()
            if lease.id != self._lease.id:  # given up while this was asked
                self._given_up += [key_of(claim) for claim in claims]
                return ()
            if claims:
                self._renewed_at = asked_at
            before = [key for key in self._held if key[0] in claimed]
            for claim in claims:
                self._held[key_of(claim)] = _Held(claim=claim)
        for key in before:  # taken away and claimed again, before a beat told
            self.lose(key)
        return claims

    def let_go(self, *keys: Key) -> None:
        """These have ended here, whatever came of them."""
        with self._lock:
            gone = [held for key in keys if (held := self._held.pop(key, None)) is not None]
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
            lapsed = self._give_up() if self._is_overdue() else []
            held = self._held.get(key)
            lost = held is None or held.lost
        self._say_lost(lapsed)
        return lost

    def lose(self, key: Key) -> None:
        """An attempt was taken away: by a stop command, or as a beat told."""
        with self._lock:
            held = self._held.get(key)
            if held is None or held.lost:
                return
            held.lost = True
        self._on_lost(held.claim)

    def _beat_for_ever(self) -> None:
        while True:
            with self._lock:
                while not (self._held or self._given_up or self._is_uncertain()):
                    self._work.wait()
            started = time.monotonic()
            self._hand_back()
            self._beat()
            self._tell_progress()
            time.sleep(max(0.05, self._beat_seconds - (time.monotonic() - started)))

    def _beat(self) -> None:
        asked_at = time.monotonic()
        with self._lock:
            lapsed = self._give_up() if self._is_overdue() else []
            lease = self._lease
            held = [held for held in self._held.values() if not held.lost]
            ask = bool(held) or self._is_uncertain()
        self._say_lost(lapsed)
        if not ask:
            return
        try:
            with self._database.statement() as connection:
                beat = stages.beat(
                    connection,
                    lease,
                    seconds=self._lease_seconds,
                    progress={
                        one.claim.stage_id: {"percent": round(one.percent, 1), "message": one.message} for one in held
                    },
                    held={one.claim.stage_id: one.claim.token for one in held},
                )
        except Unavailable as error:
            log.warning("beat_failed", reason=str(error))
            return
        except Exception:
            log.exception("beat_failed")
            return
        with self._lock:
            if self._lease.id != lease.id:  # given up while this was asked
                return
            if beat is None:
                lapsed = self._give_up()
            else:
                self._renewed_at = asked_at
                self._given_up += beat.unknown
        self._say_lost(lapsed)
        for one in held:
            if beat is not None and one.claim.stage_id in beat.lost:
                self.lose(key_of(one.claim))

    def _is_overdue(self) -> bool:
        return time.monotonic() - self._renewed_at > self._lease_seconds - GIVE_UP_BEFORE

    def _is_uncertain(self) -> bool:
        return time.monotonic() < self._uncertain_until

    def _give_up(self) -> list[Claim]:
        """Lose all that is held, for good, and begin a new lease. Called under the lock."""
        given_up = [held for held in self._held.values() if not held.lost]
        if given_up:
            for held in given_up:
                held.lost = True
            self._given_up += [key_of(held.claim) for held in given_up]
            self._lease = self._new_lease()
            self._renewed_at = time.monotonic()
            self._work.notify_all()
        return [held.claim for held in given_up]

    def _say_lost(self, claims: Sequence[Claim]) -> None:
        if claims:
            log.warning("lease_given_up", held=len(claims))
        for claim in claims:
            self._on_lost(claim)

    def _hand_back(self) -> None:
        """Tell, as soon as Postgres answers, that what was given up ran under a worker that lives."""
        with self._lock:
            keys = list(self._given_up)
        if not keys:
            return
        try:
            record(self._database, self._worker, [released(*key, CUT_OFF) for key in keys])
        except Unavailable:
            return
        except Exception:
            log.exception("not_handed_back")
        with self._lock:
            del self._given_up[: len(keys)]

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
