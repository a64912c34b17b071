"""The words of the product and the rules that need nothing but them. Standard library only."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID


class Role(enum.StrEnum):
    CREATOR = "creator"  # uploads, and sees their own
    ANALYST = "analyst"  # reads everything
    OPERATOR = "operator"  # also acts on jobs
    ADMIN = "admin"  # also manages users, limits, sessions


class VideoState(enum.StrEnum):
    UPLOADED = "uploaded"  # accepted, no stage has started
    PROCESSING = "processing"  # a stage has started
    ANALYZED = "analyzed"  # its analysis is recorded
    REPURPOSED = "repurposed"  # clips and posts are recorded, or skipped with a reason
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobState(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = frozenset({JobState.QUEUED, JobState.RUNNING})  # jobs


class StageState(enum.StrEnum):
    WAITING = "waiting"  # for the stages before it
    READY = "ready"  # may be claimed once available_at has come
    RUNNING = "running"  # claimed under a token and a lease
    SUCCEEDED = "succeeded"  # its output is recorded; final
    SKIPPED = "skipped"  # makes no sense for this video; final, with a reason
    FAILED = "failed"
    CANCELLED = "cancelled"


class StageName(enum.StrEnum):
    PROBE = "probe"
    TRANSCRIBE = "transcribe"
    ANALYZE = "analyze"
    THUMBNAILS = "thumbnails"
    CLIPS = "clips"
    POSTS = "posts"


class JobKind(enum.StrEnum):
    PIPELINE = "pipeline"  # all six stages
    TRANSCRIBE = "transcribe"
    ANALYZE = "analyze"
    THUMBNAILS = "thumbnails"
    CLIPS = "clips"
    POSTS = "posts"


class QueueName(enum.StrEnum):
    MEDIA = "media"  # one forked child a stage: ffmpeg and local speech
    AI = "ai"  # many slots in one process: language and remote calls


class LimitName(enum.StrEnum):
    REQUESTS = "requests"  # a minute: calls of the HTTP API, and actions on a page
    JOBS = "jobs"  # an hour; more than that are set for later
    UPLOADS = "uploads"  # a day


class Priority(enum.IntEnum):
    """Lower runs first."""

    INTERACTIVE = 0
    NORMAL = 10
    BULK = 20


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """Where a stage runs, what must be settled before it, and how long one attempt may take.

    weight is its share of a job's percent; timeout is in seconds.
    """

    queue: QueueName
    after: tuple[StageName, ...]
    weight: float
    timeout: float
    max_attempts: int = 5


PLAN: Mapping[StageName, StagePlan] = MappingProxyType(
    {
        StageName.PROBE: StagePlan(queue=QueueName.MEDIA, after=(), weight=2, timeout=120),
        StageName.TRANSCRIBE: StagePlan(queue=QueueName.MEDIA, after=(StageName.PROBE,), weight=38, timeout=4 * 3600),
        StageName.THUMBNAILS: StagePlan(queue=QueueName.MEDIA, after=(StageName.PROBE,), weight=8, timeout=3600),
        StageName.ANALYZE: StagePlan(queue=QueueName.AI, after=(StageName.TRANSCRIBE,), weight=4, timeout=600),
        StageName.CLIPS: StagePlan(queue=QueueName.MEDIA, after=(StageName.ANALYZE,), weight=45, timeout=3600),
        StageName.POSTS: StagePlan(queue=QueueName.AI, after=(StageName.ANALYZE,), weight=3, timeout=600),
    }
)


def stages_of(kind: JobKind, recorded: Collection[StageName] = ()) -> tuple[StageName, ...]:
    """The stages that a job of this kind runs, in the order of the plan.

    One kind again runs its own stage, and before it whatever that builds on and is not recorded yet.
    """
    if kind is JobKind.PIPELINE:
        return tuple(PLAN)
    needed = {StageName(kind.value)}
    for name in reversed(tuple(PLAN)):
        if name in needed:
            needed.update(before for before in PLAN[name].after if before not in recorded)
    return tuple(name for name in PLAN if name in needed)


def job_percent(states: Mapping[StageName, StageState], percents: Mapping[StageName, float]) -> float:
    """The percent of a job, 0 to 100: its stages' percents weighted by the plan, skipped ones left out."""
    weights = {name: PLAN[name].weight for name, state in states.items() if state is not StageState.SKIPPED}
    total = sum(weights.values())
    if total == 0:
        return 100.0
    done = sum(
        weight * (100.0 if states[name] is StageState.SUCCEEDED else percents.get(name, 0.0))
        for name, weight in weights.items()
    )
    return done / total


@dataclass(frozen=True, kw_only=True)
class User:
    id: int
    name: str
    role: Role
    must_change_password: bool


@dataclass(frozen=True, kw_only=True)
class Session:
    """One sign-in, verified: who it is, and until when."""

    id: UUID
    user: User
    expires_at: datetime
