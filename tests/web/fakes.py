"""Services without stores, for the tests of gate, routes and pages: they keep what they were told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from services.corrections import corrected
from services.errors import NotFound
from services.model import JobKind, JobState, Role, StageName, StageState, User, VideoState
from services.outputs import Output, TranscriptOutput
from services.records.jobs import StageRow
from services.records.queues import Pause
from services.records.videos import FileRow, VideoRow
from services.settings import Settings
from services.videos import JobView, Spoken, StoredFile, VideoDetail
from tests.web.fake_accounts import (  # noqa: F401 - the people of the tests are known from here too
    ANA,
    BO,
    NEW,
    NOW,
    PASSWORD,
    FakeAccounts,
    FakeSessions,
    FakeTokens,
    FakeUsers,
)
from tests.web.fake_archive import FakeArchives, FakeLineages
from tests.web.fake_home import FakeHome, FakeNotifications, FakeSamples
from tests.web.fake_library import FakeBulk, FakeLibrary
from tests.web.fake_limits import FakeLimits
from tests.web.fake_live import FakeLive
from tests.web.fake_uploads import FakeUploads
from tests.web.made import all_outputs


@dataclass
class FakeVideos:
    details: dict[UUID, VideoDetail] = field(default_factory=dict)
    stored: dict[UUID, StoredFile] = field(default_factory=dict)

    def get(self, user: User, video_id: UUID) -> VideoDetail:
        detail = self.details.get(video_id)
        if detail is None or not self._sees(user, detail.video.user_id):
            raise NotFound("There is no such video, or it is not yours.")
        return detail

    def open_file(self, user: User, file_id: UUID) -> StoredFile:
        owners = {file.id: file.user_id for detail in self.details.values() for file in detail.files}
        if file_id not in self.stored or not self._sees(user, owners.get(file_id, ANA.id)):
            raise NotFound("There is no such file, or it is not yours.")
        return self.stored[file_id]

    def transcript(self, user: User, video_id: UUID) -> Spoken:
        detail = self.get(user, video_id)
        output = detail.outputs.get(StageName.TRANSCRIBE)
        if not isinstance(output, TranscriptOutput):
            raise NotFound("This video has no transcript yet.")
        return Spoken(file_name=detail.video.file_name, transcript=corrected(output, detail.edits), corrections={})

    def _sees(self, user: User, owner_id: int) -> bool:
        return user.role is not Role.CREATOR or user.id == owner_id


@dataclass
class FakeOperations:
    cancelled: list[UUID] = field(default_factory=list)
    retried: list[UUID] = field(default_factory=list)
    submitted: list[tuple[UUID, JobKind]] = field(default_factory=list)
    options: list[Mapping[str, object] | None] = field(default_factory=list)
    paused: list[Pause] = field(default_factory=list)

    def cancel(self, user: User, job_id: UUID) -> None:
        self.cancelled.append(job_id)

    def retry(self, user: User, job_id: UUID) -> None:
        self.retried.append(job_id)

    def submit(self, user: User, video_id: UUID, kind: JobKind, *, options: Mapping[str, object] | None = None) -> UUID:
        self.submitted.append((video_id, kind))
        self.options.append(options)
        return uuid4()

    def pauses(self, user: User) -> tuple[Pause, ...]:
        return tuple(self.paused)


@dataclass
class FakeEdits:
    saved: list[tuple[UUID, str, object]] = field(default_factory=list)

    def save(self, user: User, video_id: UUID, target: str, value: object | None) -> object | None:
        self.saved.append((video_id, target, value))
        return value


@dataclass
class FakeSweeper:
    armed: int = 0

    def arm(self) -> None:
        self.armed += 1


@dataclass
class FakeServices:
    settings: Settings = field(default_factory=Settings)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    sessions: FakeSessions = field(default_factory=FakeSessions)
    users: FakeUsers = field(init=False)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    uploads: FakeUploads = field(default_factory=FakeUploads)
    limits: FakeLimits = field(default_factory=FakeLimits)
    videos: FakeVideos = field(default_factory=FakeVideos)
    operations: FakeOperations = field(default_factory=FakeOperations)
    edits: FakeEdits = field(default_factory=FakeEdits)
    lineages: FakeLineages = field(default_factory=FakeLineages)
    archives: FakeArchives = field(default_factory=FakeArchives)
    sweeper: FakeSweeper = field(default_factory=FakeSweeper)
    live: FakeLive = field(default_factory=FakeLive)
    notifications: FakeNotifications = field(default_factory=FakeNotifications)
    home: FakeHome = field(init=False)
    library: FakeLibrary = field(init=False)
    bulk: FakeBulk = field(default_factory=FakeBulk)
    samples: FakeSamples = field(default_factory=FakeSamples)

    def listen(self) -> None:
        """Nobody tells anything."""

    def __post_init__(self) -> None:
        self.users = FakeUsers(self.accounts, self.sessions)
        self.home = FakeHome(lambda: self.videos.details, self.notifications)
        self.library = FakeLibrary(lambda: self.videos.details)

    def close(self) -> None:
        """Nothing is open."""


STATES_WHEN_DONE = dict.fromkeys(StageName, StageState.SUCCEEDED)


def a_job(
    video_id: UUID, states: dict[StageName, StageState], *, reasons: dict[StageName, str] | None = None
) -> JobView:
    """A whole pipeline job with its stages in these states; a running one is at 45 %."""
    running = StageState.RUNNING in states.values()
    failed = StageState.FAILED in states.values()
    waiting = {StageState.READY, StageState.WAITING} & set(states.values())
    stages = tuple(
        StageRow(
            id=number,
            job_id=video_id,
            name=name,
            state=states[name],
            reason=(reasons or {}).get(name),
            started_at=NOW - timedelta(seconds=40),
            finished_at=NOW if states[name] is StageState.SUCCEEDED else None,
            percent=45.0 if states[name] is StageState.RUNNING else 0.0,
            message="Transcribing: 4:30 of 10:00" if states[name] is StageState.RUNNING else "",
        )
        for number, name in enumerate(states, 1)
    )
    state = JobState.RUNNING if running else JobState.FAILED if failed else JobState.SUCCEEDED
    if waiting and not running and not failed:
        state = JobState.QUEUED
    return JobView(
        id=uuid4(),
        video_id=video_id,
        kind=JobKind.PIPELINE,
        state=state,
        percent=27.0 if running else 100.0,
        message="Transcribing: 4:30 of 10:00" if running else "",
        created_at=NOW,
        starts_at=NOW,
        finished_at=None,
        stages=stages,
    )


def a_video(
    title: str = "Founder interview",
    *,
    owner: User = ANA,
    state: VideoState = VideoState.REPURPOSED,
    job: Callable[[UUID], JobView] = lambda video_id: a_job(video_id, STATES_WHEN_DONE),
    outputs: dict[StageName, Output] | None = None,
    minutes_ago: int = 5,
) -> VideoDetail:
    """A video with the source, thumbnails and clips that its outputs name."""
    video_id = uuid4()
    made = all_outputs() if outputs is None else outputs
    roles = [("source", 0, "video/mp4")]
    if StageName.THUMBNAILS in made:
        roles += [("thumbnail", position, "image/jpeg") for position in range(6)]
    if StageName.CLIPS in made:
        roles += [
            (role, position, "video/mp4") for position in range(3) for role in ("clip_portrait", "clip_landscape")
        ]
    row = VideoRow(
        id=video_id,
        user_id=owner.id,
        owner=owner.name,
        title=title,
        file_name="interview final.mp4",
        size=48_300_211,
        state=state,
        created_at=NOW - timedelta(minutes=minutes_ago),
        duration=607.2 if made else None,
    )
    files = tuple(
        FileRow(
            id=uuid4(),
            video_id=video_id,
            user_id=owner.id,
            role=role,
            position=position,
            storage_key=f"{role}/{position}",
            media_type=media_type,
            size=1000,
            title=title,
            file_name="interview final.mp4",
        )
        for role, position, media_type in roles
    )
    pictures = tuple(file.id for file in files if file.role == "thumbnail")
    row = replace(row, pictures=pictures, thumbnail_id=pictures[2] if pictures else None)
    return VideoDetail(
        video=row, jobs=(job(video_id),), outputs=made, files=files, events=(), may_act=owner is ANA, edits={}
    )


def store(services: FakeServices, detail: VideoDetail, content: Callable[[str], Path]) -> VideoDetail:
    """Puts the video and its files where the fakes find them; content gives a path for a role."""
    services.videos.details[detail.video.id] = detail
    for file in detail.files:
        path = content(file.role)
        services.videos.stored[file.id] = StoredFile(
            path=path,
            media_type=file.media_type,
            size=path.stat().st_size,
            name=file.file_name,
            etag=f'"{file.id}"',
        )
    return detail
