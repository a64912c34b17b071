"""What people do with jobs: submit, watch, cancel, retry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from uuid import UUID, uuid4

from sqlalchemy import Connection

from services import cuts, idempotency, kinds
from services.corrections import corrected
from services.database import Database
from services.errors import BacklotError, BadInput, IllegalMove, Refused, Unavailable
from services.limits import Limits, spends_request
from services.model import JobKind, JobState, Priority, QueueName, StageName, User, stages_of
from services.outputs import ClipsOutput, ProbeOutput, TranscriptOutput
from services.permissions import Action, require, unseen, use_case
from services.progress import JobChange, Progress
from services.queue import Queue, StopCommand
from services.reasons import require_reason
from services.records import edits, events, jobs, queues, quotas, videos
from services.records.jobs import JobRow, NewJob, NotRetried
from services.records.queues import Pause, QueueRow
from services.records.videos import RecordedStages
from services.settings import Settings
from services.sweeper import Sweeper
from services.videos import JobView, job_view

BATCH = 100  # jobs accepted in one transaction
RENDERING = frozenset(kind for kind in JobKind if StageName.CLIPS in stages_of(kind))
RENDERED_NOW = "Clips of this video are being rendered. Ask for yours when they are done."
NOT_RETRIED: Mapping[NotRetried, str] = MappingProxyType(
    {
        NotRetried.SETTLED: "Nothing in this job failed or was cancelled: there is nothing to retry.",
        NotRetried.REPLACED: "A newer job has taken the place of this one. Try that one again, or make again what is"
        " missing.",
    }
)


class Operations:
    def __init__(
        self,
        database: Database,
        queue: Queue,
        sweeper: Sweeper,
        settings: Settings,
        *,
        progress: Progress,
        limits: Limits,
    ) -> None:
        self._database = database
        self._queue = queue
        self._sweeper = sweeper
        self._settings = settings
        self._progress = progress
        self._limits = limits

    @use_case(Action.ACT)
    @spends_request
    def submit(
        self,
        user: User,
        video_id: UUID,
        kind: JobKind,
        *,
        options: Mapping[str, object] | None = None,
        key: str | None = None,
    ) -> UUID:
        """A new job on a video that is there; options say what it is asked for beyond its kind (services/cuts.py).

        The same once more with the same key, any text of the user's, answers the job of the first time.

        Raises NotFound, NotAllowed, BadInput where the file has nothing for it or the options ask what cannot be made,
        IllegalMove while clips are rendered that it would undo, and for a key that was used for something else.
        """
        try:
            alone = kind not in RENDERING and key is None
            with self._database.statement() if alone else self._database.transaction() as connection:
                recorded = videos.recorded_stages(connection, [video_id])
                job = _new_job(user, video_id, kind, recorded, Priority.INTERACTIVE)
                if key is not None:
                    asked = {"video_id": str(video_id), "kind": kind, "options": options}
                    creation = idempotency.creation(self._settings, user, "job", key, asked)
                    quotas.lock_user(connection, user.id)
                    made = jobs.find_between(connection, creation.first, creation.last)
                    if made is not None:
                        creation.require_same(made)
                        return made
                    job = replace(job, id=creation.id)
                if kind in RENDERING and _rendered_now(connection, user, [video_id]):
                    raise IllegalMove(RENDERED_NOW)
                if options:
                    job = replace(job, options=_checked_options(connection, video_id, kind, options))
                accepted = jobs.accept(
                    connection, job, jobs_per_hour=self._settings.jobs_per_hour, actor=f"user:{user.id}"
                )
        finally:
            self._sweeper.arm()  # also after a commit that nobody knows of
        if self._queue.try_to_ring(*accepted.ready_queues):
            self._progress.tell([JobChange(job_id=job.id, video_id=video_id)])
        return job.id

    @use_case(Action.ACT)
    @spends_request
    def submit_many(self, user: User, video_ids: Sequence[UUID], kind: JobKind) -> dict[UUID, UUID | BacklotError]:
        """A new job on each of many videos, behind what people wait for; by video its job, or why there is none."""
        answers: dict[UUID, UUID | BacklotError] = {}
        for some in _batches(dict.fromkeys(video_ids), BATCH):
            try:
                answers |= self._submit_batch(user, some, kind)
            except Unavailable as error:
                answers |= dict.fromkeys(some, error)
        return answers

    def _submit_batch(self, user: User, video_ids: Sequence[UUID], kind: JobKind) -> dict[UUID, UUID | BacklotError]:
        answers: dict[UUID, UUID | BacklotError] = {}
        new: list[NewJob] = []
        try:
            with self._database.transaction() if kind in RENDERING else self._database.statement() as connection:
                recorded = videos.recorded_stages(connection, video_ids)
                for video_id in video_ids:
                    try:
                        new.append(_new_job(user, video_id, kind, recorded, Priority.BULK))
                    except Refused as refusal:
                        answers[video_id] = refusal
                if kind in RENDERING:
                    busy = _rendered_now(connection, user, [job.video_id for job in new])
                    answers |= {video_id: IllegalMove(RENDERED_NOW) for video_id in busy}
                    new = [job for job in new if job.video_id not in busy]
                if new:
                    jobs.accept_many(
                        connection, new, jobs_per_hour=self._settings.jobs_per_hour, actor=f"user:{user.id}"
                    )
        finally:
            self._sweeper.arm()
        if new and self._queue.try_to_ring(*{queue for job in new for queue in job.ready_queues()}):
            self._progress.tell([JobChange(job_id=job.id, video_id=job.video_id) for job in new])
        return answers | {job.video_id: job.id for job in new}

    @use_case(Action.SEE)
    def job(self, user: User, job_id: UUID) -> JobView:
        """Raises NotFound."""
        with self._database.transaction() as connection:
            job = self._visible_job(connection, user, job_id, Action.SEE)
            return job_view(job, jobs.stages(connection, [job_id]))

    @use_case(Action.ACT)
    @spends_request
    def cancel(self, user: User, job_id: UUID, *, reason: str = "Cancelled on the page.") -> None:
        """Stop what is unfinished; outputs made so far stay. Raises NotFound, NotAllowed, IllegalMove."""
        with self._database.transaction() as connection:
            job = self._visible_job(connection, user, job_id, Action.ACT)
            running = jobs.cancel(connection, job_id, actor=f"user:{user.id}", reason=reason)
        if running is None:
            raise IllegalMove("This job has ended already: there is nothing left to cancel.")
        for attempt in running:
            if attempt.worker is not None:
                self._queue.send_stop(attempt.worker, StopCommand(stage_id=attempt.stage_id, token=attempt.token))
        self._progress.tell([JobChange(job_id=job_id, video_id=job.video_id)])

    @use_case(Action.ACT)
    @spends_request
    def retry(self, user: User, job_id: UUID, *, reason: str = "Retried on the page.") -> None:
        """Run again what failed or was cancelled; what succeeded is kept.

        Raises NotFound, NotAllowed, IllegalMove, also when a newer job has taken its place, and BadInput when what its
        options ask cannot be made any more.
        """
        with self._database.statement() as connection:
            job = self._visible_job(connection, user, job_id, Action.ACT)
        queues = put_back(self._database, user, job, reason=reason)
        if self._queue.try_to_ring(*queues):
            self._progress.tell([JobChange(job_id=job_id, video_id=job.video_id)])
        self._sweeper.arm()

    @use_case(Action.SEE_HISTORY)
    def counts(self, user: User) -> dict[JobState, int]:
        """How many jobs there are by state."""
        with self._database.transaction() as connection:
            return jobs.count_by_state(connection)

    @use_case(Action.OPERATE)
    def pause(self, user: User, queue: QueueName, *, reason: str) -> None:
        """Let nothing more be claimed from a queue, in any process, until it is resumed; what runs ends as it would.

        Raises NotAllowed, BadInput without a reason, IllegalMove when it is paused already.
        """
        self._set_paused(user, queue, paused=True, reason=require_reason(reason))

    @use_case(Action.OPERATE)
    def resume(self, user: User, queue: QueueName, *, reason: str | None = None) -> bool:
        """Let a paused queue go on; whether Redis answered, so that its workers know at once.

        Raises NotAllowed, IllegalMove when it is not paused.
        """
        self._set_paused(user, queue, paused=False, reason=reason)
        rung = self._queue.try_to_ring(queue)
        self._sweeper.arm()
        return rung

    @use_case(Action.SEE_HISTORY)
    def queues(self, user: User) -> tuple[QueueRow, ...]:
        """Every queue: how much waits and runs, and since when and why one is paused."""
        with self._database.transaction() as connection:
            return queues.find_all(connection)

    @use_case(Action.SEE)
    def pauses(self, user: User) -> tuple[Pause, ...]:
        """The queues that are paused now. Raises Unavailable."""
        with self._database.transaction() as connection:
            return queues.find_paused(connection)

    def note_refused_messages(self, worker: str, count: int) -> None:
        """Put on record that a worker refused so many messages on Redis: forged, or signed with another key."""
        with self._database.transaction() as connection:
            events.append(connection, actor=f"worker:{worker}", action="messages refused", details={"count": count})

    @use_case(Action.SEE_HISTORY)
    def refused_messages(self, user: User, *, hours: float) -> int:
        """How many messages workers refused within the last hours."""
        with self._database.transaction() as connection:
            return events.refused_messages(connection, hours=hours)

    def _set_paused(self, user: User, queue: QueueName, *, paused: bool, reason: str | None) -> None:
        with self._database.transaction() as connection:
            if not queues.set_paused(connection, queue, paused=paused):
                raise IllegalMove(f"The queue {queue} {'is paused already' if paused else 'is not paused'}.")
            events.append(
                connection,
                actor=f"user:{user.id}",
                action="queue paused" if paused else "queue resumed",
                reason=reason,
                details={"queue": queue},
            )

    def _visible_job(self, connection: Connection, user: User, job_id: UUID, action: Action) -> JobRow:
        job = jobs.find(connection, job_id)
        if job is None:
            raise unseen("job")
        require(user, action, job.user_id, thing="job")
        return job


def put_back(database: Database, user: User, job: JobRow, *, reason: str) -> tuple[QueueName, ...]:
    """Run again what failed or was cancelled of a job that the user may act on; the queues that got work.

    Raises IllegalMove and BadInput as Operations.retry does.
    """
    with database.transaction() if job.options else database.statement() as connection:
        answer = jobs.retry(connection, job.id, actor=f"user:{user.id}", reason=reason)
        if isinstance(answer, NotRetried):
            raise IllegalMove(NOT_RETRIED[answer])
        if job.options:  # transcript and clips may be others by now; a refusal undoes the retry
            _checked_options(connection, job.video_id, job.kind, job.options)
    return answer


def _new_job(
    user: User, video_id: UUID, kind: JobKind, recorded: Mapping[UUID, RecordedStages], priority: Priority
) -> NewJob:
    """Raises NotFound, NotAllowed, BadInput where the file has nothing for this kind."""
    video = recorded.get(video_id)
    if video is None:
        raise unseen("video")
    require(user, Action.ACT, video.user_id)
    if reason := kinds.refusal(kind, has_sound=video.has_sound, has_picture=video.has_picture):
        raise BadInput(reason)
    return NewJob(
        id=uuid4(),
        video_id=video_id,
        user_id=video.user_id,
        submitter_id=user.id,
        kind=kind,
        recorded=video.names,
        priority=priority,
    )


def _rendered_now(connection: Connection, user: User, video_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the videos of which clips are being rendered; nothing more is accepted for any before the new jobs are.

    Each job of clips takes over what it does not render from those before it: side by side one would undo the other.
    """
    quotas.lock_user(connection, user.id)
    videos.lock(connection, *video_ids)
    return jobs.rendering(connection, video_ids)


def _checked_options(
    connection: Connection, video_id: UUID, kind: JobKind, options: Mapping[str, object]
) -> Mapping[str, object]:
    """The options as they are kept. Raises BadInput, IllegalMove."""
    if kind is not JobKind.CLIPS:
        raise BadInput("Only clips can be asked for one by one.")
    recorded = videos.newest_outputs(connection, video_id)
    if not {StageName.PROBE, StageName.TRANSCRIBE} <= recorded.keys():
        raise IllegalMove("This video has no transcript yet: there is nothing to cut by.")
    transcript = TranscriptOutput.model_validate(recorded[StageName.TRANSCRIBE])
    changed = {target: edit.value for target, edit in edits.newest(connection, video_id).items()}
    before = recorded.get(StageName.CLIPS)
    return cuts.checked(
        options,
        probed=ProbeOutput.model_validate(recorded[StageName.PROBE]),
        transcript=corrected(transcript, changed),
        clips=None if before is None else ClipsOutput.model_validate(before),
    )


def _batches(video_ids: Iterable[UUID], size: int) -> Iterator[tuple[UUID, ...]]:
    remaining = iter(video_ids)
    while some := tuple(islice(remaining, size)):
        yield some


__all__ = ["BATCH", "Operations", "Pause", "QueueRow"]
