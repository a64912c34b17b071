"""What goes over the HTTP API. Times are ISO 8601 with their zone; sizes are bytes, durations seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.cuts import MOST_CLIPS
from services.library import Length, Sort
from services.model import JobKind, JobState, LimitName, Role, StageName, StageState, VideoState

MOST_OF_A_PAGE = 200  # videos
LARGEST = 2**53  # up to which every program counts bytes exactly


class Asked(BaseModel):
    """What comes in: a field that nobody knows is an error."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """What goes out, read from what a service answered."""

    model_config = ConfigDict(from_attributes=True)


class FieldProblem(Told):
    field: str
    problem: str


class Problem(Told):
    """RFC 9457. retry_after is in seconds; errors names the fields that cannot be read."""

    type: str
    title: str
    status: int
    detail: str
    retry_after: int | None = None
    limit: LimitName | None = None
    errors: list[FieldProblem] | None = None


class SignIn(Asked):
    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=1000)


class UserTold(Told):
    id: int
    name: str
    role: Role


class SignedIn(Told):
    """token goes into `Authorization: Bearer TOKEN` of every other call."""

    token: str
    expires_at: datetime
    user: UserTold


class Me(Told):
    user: UserTold
    expires_at: datetime


class LimitTold(Told):
    """window is in seconds; free_at says when the next one fits, where none is left."""

    name: LimitName
    limit: int
    used: int
    left: int
    window: float
    free_at: datetime | None
    overridden_until: datetime | None


class LimitsTold(Told):
    """degraded: requests are counted by one process alone for now."""

    requests: LimitTold
    jobs: LimitTold
    uploads: LimitTold
    degraded: bool


class TokenAsked(Asked):
    name: str = Field(min_length=1, max_length=100)
    days: Annotated[int, Field(strict=True, ge=1, le=365)]


class TokenTold(Told):
    id: UUID
    name: str
    hint: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class NewTokenTold(TokenTold):
    """token is told this once."""

    token: str


class TokensTold(Told):
    tokens: list[TokenTold]


class UploadAsked(Asked):
    """A file to send. fingerprint is any text that stays the same for the same file.

    again: it is wanted also where the same file is a video already.
    """

    name: str = Field(min_length=1, max_length=1000)
    size: Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
    fingerprint: str = Field(min_length=1, max_length=200)
    title: str | None = Field(default=None, max_length=300)
    again: Annotated[bool, Field(strict=True)] = False


class UploadTold(Told):
    """Send the next part, of part_size at most, from offset on."""

    id: UUID
    offset: int
    size: int
    part_size: int
    title: str
    tags: list[str]


class DuplicateTold(Told):
    video_id: UUID
    title: str
    when: datetime


class Same(Told):
    """The file is a video already, and nothing was begun."""

    duplicate: DuplicateTold


class UnfinishedTold(Told):
    id: UUID
    name: str
    size: int
    offset: int
    when: datetime


class UploadsTold(Told):
    uploads: list[UnfinishedTold]


class DescriptionAsked(Asked):
    """What is left out stays as it is."""

    title: str | None = Field(default=None, max_length=300)
    tags: list[str] | None = Field(default=None, max_length=100)


class DescriptionTold(Told):
    title: str
    tags: list[str]


class AcceptedTold(Told):
    video_id: UUID
    job_id: UUID


class VideosAsked(Asked):
    """uploaded_to is not included; place is next or previous of another page of the same order."""

    text: str = Field(default="", max_length=500, description="Words of the title, or of what is said.")
    state: list[VideoState] = Field(default=[], max_length=10)
    owner: str | None = Field(default=None, max_length=64)
    tag: list[str] = Field(default=[], max_length=20)
    length: Length | None = None
    uploaded_from: AwareDatetime | None = None
    uploaded_to: AwareDatetime | None = None
    sort: Sort = Sort.NEWEST
    place: str | None = Field(default=None, max_length=2000)
    limit: int = Field(default=50, ge=1, le=MOST_OF_A_PAGE)


class VideoTold(Told):
    """duration is known once the file was probed."""

    id: UUID
    owner: str
    title: str
    file_name: str
    size: int
    state: VideoState
    created_at: datetime
    duration: float | None
    tags: list[str]
    thumbnail_id: UUID | None


class VideosTold(Told):
    """next and previous are the `place` of the neighbouring pages; counts are by state under all other filters."""

    videos: list[VideoTold]
    next: str | None
    previous: str | None
    counts: dict[str, int]


class StageTold(Told):
    name: StageName
    state: StageState
    percent: float
    message: str
    reason: str | None
    started_at: datetime | None
    finished_at: datetime | None


class JobTold(Told):
    """starts_at lies ahead where the hour's limit set the job for later."""

    id: UUID
    video_id: UUID
    kind: JobKind
    state: JobState
    percent: float
    message: str
    created_at: datetime
    starts_at: datetime
    finished_at: datetime | None
    stages: list[StageTold]


class FileTold(Told):
    """position tells files of one role apart."""

    id: UUID
    role: str
    position: int
    media_type: str
    size: int


class WholeVideo(VideoTold):
    """jobs, the newest first; outputs are the stages that have recorded one."""

    language: str | None
    jobs: list[JobTold]
    outputs: list[StageName]
    files: list[FileTold]


class CutAsked(Asked):
    """A clip to render; position is that of the one it takes the place of, or the next free one."""

    model_config = ConfigDict(strict=True)

    position: int = Field(ge=0, le=10_000)
    start: float = Field(ge=0, le=1e9, allow_inf_nan=False)
    end: float = Field(ge=0, le=1e9, allow_inf_nan=False)
    title: str = Field(max_length=1000)


class JobAsked(Asked):
    """cuts are for the kind clips alone; without them the product chooses."""

    kind: JobKind
    cuts: list[CutAsked] | None = Field(default=None, min_length=1, max_length=MOST_CLIPS)


class JobAccepted(Told):
    job_id: UUID
