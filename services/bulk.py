"""The same done to many videos: what it would reach, what it leaves out and why, and what came of it."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services import kinds
from services.database import Database
from services.errors import BacklotError, BadInput, Refused
from services.limits import Limits, spends_request
from services.model import JobKind, QueueName, User
from services.operations import Operations, put_back
from services.permissions import Action, require, unseen, use_case
from services.progress import JobChange, Progress
from services.queue import Queue, StopCommand
from services.records import jobs, library
from services.records.library import Standing
from services.sweeper import Sweeper

MOST = 1000  # videos at once


class Verb(enum.StrEnum):
    RETRY = "retry"  # what failed or was cancelled
    CANCEL = "cancel"  # what is under way
    AGAIN = "again"  # one kind


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to do to which videos; kind belongs to AGAIN alone."""

    verb: Verb
    video_ids: tuple[UUID, ...]
    kind: JobKind | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The videos that an order reaches, and by reason how many it leaves out."""

    video_ids: tuple[UUID, ...]
    skipped: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """By video None where it was done, else why it was not."""

    answers: Mapping[UUID, str | None]

    @property
    def done(self) -> int:
        return sum(answer is None for answer in self.answers.values())

    @property
    def left_out(self) -> Mapping[str, int]:
        """By reason how many."""
        return Counter(answer for answer in self.answers.values() if answer is not None)


@dataclass(frozen=True, kw_only=True)
class _Done:
    """What is to be told once, for all videos together."""

    queues: set[QueueName] = field(default_factory=set)
    changes: list[JobChange] = field(default_factory=list)


class Bulk:
    def __init__(
        self,
        database: Database,
        queue: Queue,
        sweeper: Sweeper,
        operations: Operations,
        *,
        progress: Progress,
        limits: Limits,
    ) -> None:
        self._database = database
        self._queue = queue
        self._sweeper = sweeper
        self._operations = operations
        self._progress = progress
        self._limits = limits

    @use_case(Action.ACT)
    def plan(self, user: User, order: Order) -> Plan:
        """What the order would do now. Raises BadInput for too many videos at once or an order without its kind."""
        reached, answers = self._sorted(user, order)
        return Plan(video_ids=tuple(reached), skipped=Counter(answers.values()))

    @use_case(Action.ACT)
    @spends_request
    def run(self, user: User, order: Order) -> Outcome:
        """Do it, with an answer for each video: what has changed since the plan is left out too. Raises BadInput."""
        reached, refused = self._sorted(user, order)
        answers: dict[UUID, str | None] = dict(refused)
        if order.verb is Verb.AGAIN and order.kind is not None:
            for video_id, answer in self._operations.submit_many(user, tuple(reached), order.kind).items():
                answers[video_id] = str(answer) if isinstance(answer, BacklotError) else None
        else:
            act = self._retry if order.verb is Verb.RETRY else self._cancel
            done = _Done()
            try:
                for video_id, standing in reached.items():
                    answers[video_id] = _answer(user, standing, act, done)
            finally:
                if done.queues:
                    self._sweeper.arm()
                    self._queue.try_to_ring(*done.queues)
                if done.changes:
                    self._progress.tell(done.changes)
        return Outcome(answers=answers)

    def _sorted(self, user: User, order: Order) -> tuple[dict[UUID, Standing], dict[UUID, str]]:
        """The videos that the order reaches as they stand, and for each other one why not."""
        if len(order.video_ids) > MOST:
            raise BadInput(f"Choose at most {MOST:,} videos at once.")
        if (order.kind is not None) != (order.verb is Verb.AGAIN) or order.kind is JobKind.PIPELINE:
            raise BadInput("Choose what is to be made again.")
        with self._database.transaction() as connection:
            standings = library.standings(connection, order.video_ids)
        reached: dict[UUID, Standing] = {}
        refused: dict[UUID, str] = {}
        for video_id in dict.fromkeys(order.video_ids):
            standing = standings.get(video_id)
            reason = str(unseen("video")) if standing is None else refusal(user, order, standing)
            if reason is None and standing is not None:
                reached[video_id] = standing
            else:
                refused[video_id] = str(reason)
        return reached, refused

    def _retry(self, user: User, standing: Standing, done: _Done) -> bool:
        """Whether there was something to try again. Raises BadInput, IllegalMove as Operations.retry does."""
        if standing.stopped is None:
            return False
        done.queues.update(put_back(self._database, user, standing.stopped, reason="Retried with others on the page."))
        done.changes.append(JobChange(job_id=standing.stopped.id, video_id=standing.video_id))
        return True

    def _cancel(self, user: User, standing: Standing, done: _Done) -> bool:
        """Whether something was still under way."""
        stopped = False
        for job_id in standing.unfinished:
            reason = "Cancelled with others on the page."
            with self._database.statement() as connection:
                running = jobs.cancel(connection, job_id, actor=f"user:{user.id}", reason=reason)
            for attempt in running or ():
                if attempt.worker is not None:
                    self._queue.send_stop(attempt.worker, StopCommand(stage_id=attempt.stage_id, token=attempt.token))
            if running is not None:
                stopped = True
                done.changes.append(JobChange(job_id=job_id, video_id=standing.video_id))
        return stopped


def _answer(user: User, standing: Standing, act: Callable[[User, Standing, _Done], bool], done: _Done) -> str | None:
    """None where it was done, else why not: one video's trouble is no other's."""
    try:
        return None if act(user, standing, done) else "It has changed in the meantime."
    except BacklotError as error:
        return str(error)


def refusal(user: User, order: Order, standing: Standing) -> str | None:
    """Why the order is not for this video, in a sentence; None where it is."""
    try:
        require(user, Action.ACT, standing.user_id)
    except Refused as error:
        return str(error)
    senseless = None
    if order.kind is not None:
        senseless = kinds.refusal(order.kind, has_sound=standing.has_sound, has_picture=standing.has_picture)
    reasons = {
        "Nothing is under way: there is nothing to cancel.": order.verb is Verb.CANCEL and not standing.unfinished,
        "Still being worked on.": order.verb is not Verb.CANCEL and bool(standing.unfinished),
        "Nothing failed or was cancelled: there is nothing to try again.": order.verb is Verb.RETRY
        and standing.stopped is None,
    }
    return next((reason for reason, holds in reasons.items() if holds), senseless)
