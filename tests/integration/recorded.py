"""Puts on record what stages make of a video, through the queue's own verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.database import Database
from services.model import JobKind, QueueName, StageName, User
from services.records.stages import Finish, Outcome
from tests.integration.work import Accepted, accept, claim, finish, lease

POSITIONS = 3  # thumbnails of a video


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a stage recorded: its data and its files, as roles and positions."""

    data: Mapping[str, object]
    files: Sequence[tuple[str, int]] = ()


def probed(duration: float = 61.5, *, has_sound: bool = True, has_picture: bool = True) -> Made:
    return Made(
        data={
            "container": "mp4",
            "size_bytes": 1,
            "duration": duration,
            "has_sound": has_sound,
            "has_picture": has_picture,
        }
    )


def said(*lines: str, language: str = "en") -> Made:
    """A transcript with a line every four seconds."""
    segments = [{"start": at * 4.0, "end": at * 4.0 + 3.5, "text": line, "words": []} for at, line in enumerate(lines)]
    return Made(
        data={
            "language": language,
            "duration": len(lines) * 4.0,
            "segments": segments,
            "engine": "local",
            "model": "tiny",
        }
    )


def shot(*, picked: int = 1, small: bool = True) -> Made:
    thumbnails = [{"position": position, "picked": position == picked} for position in range(POSITIONS)]
    roles = ("thumbnail", "thumbnail_small") if small else ("thumbnail",)
    return Made(
        data={"thumbnails": thumbnails},
        files=[(role, position) for role in roles for position in range(POSITIONS)],
    )


def named(database: Database, accepted: Accepted, title: str, *, tags: Sequence[str] = ()) -> None:
    with database.transaction() as connection:
        connection.execute(
            text("update videos set title = :title, tags = :tags where id = :id"),
            {"title": title, "tags": list(tags), "id": accepted.video_id},
        )


def make(
    database: Database,
    user: User,
    made: Mapping[StageName, Made],
    *,
    title: str = "t",
    tags: Sequence[str] = (),
    video_id: UUID | None = None,
    kind: JobKind = JobKind.PIPELINE,
) -> Accepted:
    """A job of which these stages succeed, and those after them stay."""
    accepted = accept(database, user, video_id=video_id, kind=kind)
    if video_id is None:
        named(database, accepted, title, tags=tags)
    held = lease()
    while claims := [
        claimed
        for queue in (QueueName.MEDIA, QueueName.AI)
        for claimed in claim(database, held, queue)
        if claimed.job_id == accepted.job_id and claimed.name in made
    ]:
        finish(database, [_success(claimed.stage_id, claimed.token, made[claimed.name]) for claimed in claims])
    return accepted


def _success(stage_id: int, token: int, made: Made) -> Finish:
    return Finish(
        stage_id=stage_id,
        token=token,
        outcome=Outcome.SUCCEEDED,
        data=made.data,
        files=[
            {
                "role": role,
                "position": position,
                "storage_key": f"{stage_id}/{token}/{role}-{position}",
                "media_type": "image/jpeg",
                "size_bytes": 1000,
            }
            for role, position in made.files
        ],
    )
