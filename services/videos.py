"""Videos as people see them: the list, one whole, its files and its transcript."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import Connection

from services.corrections import SEGMENT, Correction, corrected
from services.database import Database
from services.errors import NotFound
from services.model import JobKind, JobState, StageName, StageState, User, VideoState, job_percent
from services.names import safe_name
from services.outputs import Output, Post, TranscriptOutput
from services.permissions import Action, permits, require, unseen, use_case
from services.recorded_outputs import RecordedOutputs
from services.records import edits, events, jobs, videos
from services.records.edits import EditRow
from services.records.events import Event
from services.records.jobs import JobRow, StageRow
from services.records.videos import FileRow, RecordedRow, VideoRow
from services.storage import LocalStorage

BEGINS: Mapping[StageName, str] = MappingProxyType(  # until the worker says more
    {
        StageName.PROBE: "Looking at the file…",
        StageName.TRANSCRIBE: "Transcribing…",
        StageName.THUMBNAILS: "Generating thumbnails…",
        StageName.ANALYZE: "Analyzing what is said…",
        StageName.CLIPS: "Rendering clips…",
        StageName.POSTS: "Writing posts…",
    }
)


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job with its stages in the order of the plan; percent is weighted over them.

    options are what it was asked for beyond its kind.
    """

    id: UUID
    video_id: UUID
    kind: JobKind
    state: JobState
    percent: float
    message: str
    created_at: datetime
    starts_at: datetime
    finished_at: datetime | None
    stages: tuple[StageRow, ...]
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VideoDetail:
    """outputs and files are those that each stage recorded last; jobs newest first.

    A transcript is fetched when it is asked for; language is that of the transcript. edits are what people changed of
    these outputs, by target (services/edits.py); edited says who did, and when.
    """

    video: VideoRow
    jobs: tuple[JobView, ...]
    outputs: Mapping[StageName, Output]
    files: tuple[FileRow, ...]
    events: tuple[Event, ...]
    may_act: bool
    edits: Mapping[str, object]
    edited: Mapping[str, EditRow] = field(default_factory=dict)
    language: str | None = None

    @property
    def job(self) -> JobView:
        """The newest job."""
        return self.jobs[0]

    def stage(self, name: StageName) -> StageRow | None:
        """The newest of this name."""
        return next((stage for job in self.jobs for stage in job.stages if stage.name is name), None)

    def parts(self, post: Post) -> tuple[str, ...]:
        """A post as it stands: as somebody edited it, else as it was written."""
        edited = self.edits.get(f"post:{post.network}")
        return tuple(map(str, edited)) if isinstance(edited, list) else post.parts

    def file(self, role: str, position: int = 0) -> FileRow | None:
        return next((file for file in self.files if file.role == role and file.position == position), None)


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file on this machine, to be sent to a person; name is safe to save under, etag never changes."""

    path: Path
    media_type: str
    size: int
    name: str
    etag: str


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A transcript as it reads now: corrections are by the number of the line."""

    file_name: str
    transcript: TranscriptOutput
    corrections: Mapping[int, Correction]


class Videos:
    def __init__(self, database: Database, storage: LocalStorage) -> None:
        self._database = database
        self._storage = storage

    @use_case(Action.SEE)
    def get(self, user: User, video_id: UUID) -> VideoDetail:
        """Raises NotFound."""
        with self._database.transaction() as connection:
            video = visible_video(connection, user, video_id)
            job_rows = jobs.of_video(connection, video_id)
            stage_rows = jobs.stages(connection, [job.id for job in job_rows])
            recorded = videos.short_outputs(connection, video_id)
            files = videos.files(connection, video_id)
            changed = edits.newest(connection, video_id)
            history: tuple[Event, ...] = ()
            if permits(user, Action.SEE_HISTORY, video.user_id):
                history = events.of_video(connection, video_id, limit=200)
        return VideoDetail(
            video=video,
            jobs=tuple(
                job_view(job, tuple(stage for stage in stage_rows if stage.job_id == job.id)) for job in job_rows
            ),
            outputs=self._outputs(recorded),
            language=next((row.language for row in recorded if row.language is not None), None),
            files=files,
            events=history,
            may_act=permits(user, Action.ACT, video.user_id),
            edits={target: edit.value for target, edit in changed.items()},
            edited=changed,
        )

    def _outputs(self, recorded: Iterable[RecordedRow]) -> RecordedOutputs:
        def fetched(stage_id: int) -> Mapping[str, object]:
            with self._database.statement() as connection:
                return videos.output_of(connection, stage_id)

        return RecordedOutputs(
            {row.name: partial(fetched, row.stage_id) if row.data is None else row.data for row in recorded}, edits={}
        )

    @use_case(Action.SEE)
    def open_file(self, user: User, file_id: UUID) -> StoredFile:
        """Raises NotFound."""
        with self._database.transaction() as connection:
            file = videos.find_file(connection, file_id)
        if file is None:
            raise unseen("file")
        require(user, Action.SEE, file.user_id, thing="file")
        return StoredFile(
            path=self._storage.path(file.storage_key),
            media_type=file.media_type,
            size=file.size,
            name=download_name(file),
            etag=f'"{file.id}"',
        )

    @use_case(Action.SEE)
    def transcript(self, user: User, video_id: UUID) -> Spoken:
        """What is said, with what people corrected. Raises NotFound, also when there is no transcript yet."""
        with self._database.transaction() as connection:
            video = visible_video(connection, user, video_id)
            recorded = videos.newest_output(connection, video_id, StageName.TRANSCRIBE)
            changed = () if recorded is None else edits.of_output(connection, recorded.stage_id, beginning=SEGMENT)
        if recorded is None:
            raise NotFound("This video has no transcript yet.")
        original = TranscriptOutput.model_validate(recorded.data)
        return Spoken(
            file_name=video.file_name,
            transcript=corrected(original, {edit.target: edit.value for edit in changed}),
            corrections={
                number: Correction(original=original.segments[number].text, editor=edit.editor, at=edit.at)
                for edit in changed
                if edit.value is not None
                for number in (int(edit.target.removeprefix(SEGMENT)),)
            },
        )


def visible_video(connection: Connection, user: User, video_id: UUID, action: Action = Action.SEE) -> VideoRow:
    """The video, for a user who may do the action to it. Raises NotFound, NotAllowed."""
    video = videos.find(connection, video_id)
    if video is None:
        raise unseen("video")
    require(user, action, video.user_id)
    return video


def job_view(job: JobRow, stages: tuple[StageRow, ...]) -> JobView:
    """How a job stands."""
    return JobView(
        id=job.id,
        video_id=job.video_id,
        kind=job.kind,
        state=job.state,
        percent=job_percent(
            {stage.name: stage.state for stage in stages}, {stage.name: stage.percent for stage in stages}
        ),
        message=message_of(job, stages, now=datetime.now(UTC)),
        created_at=job.created_at,
        starts_at=job.starts_at,
        finished_at=job.finished_at,
        stages=stages,
        options=job.options,
    )


def message_of(job: JobRow, stages: tuple[StageRow, ...], *, now: datetime) -> str:
    """One line for people: what failed, what runs, or what the job waits for."""
    by_state = {state: [stage for stage in stages if stage.state is state] for state in StageState}
    if failed := by_state[StageState.FAILED]:
        return failed[0].reason or f"{failed[0].name} failed."
    if running := by_state[StageState.RUNNING]:
        return next((stage.message for stage in reversed(running) if stage.message), BEGINS[running[0].name])
    if again := [stage.reason for stage in by_state[StageState.READY] if stage.reason]:
        return f"Will be tried again. {again[0]}"
    if job.state is JobState.QUEUED and job.starts_at > now:
        return "Queued for later: the hourly limit of jobs is used up."
    return {
        JobState.QUEUED: "Queued",
        JobState.RUNNING: "Waiting for a free worker",
        JobState.SUCCEEDED: "Done",
        JobState.CANCELLED: "Cancelled",
        JobState.FAILED: "Failed",
    }[job.state]


def download_name(file: FileRow) -> str:
    """The uploader's name for the source; title, role and number for what was made."""
    if file.role == "source":
        return file.file_name
    ending = mimetypes.guess_extension(file.media_type) or ""
    return f"{safe_name(file.title)}-{file.role.replace('_', '-')}-{file.position + 1}{ending}"


__all__ = [
    "EditRow",
    "Event",
    "FileRow",
    "JobView",
    "StageRow",
    "StoredFile",
    "VideoDetail",
    "VideoRow",
    "VideoState",
]
