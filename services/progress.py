"""Live progress over Redis: told once to whoever listens, and lost without harm. Postgres keeps the snapshot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
import structlog

from services import keys
from services.model import StageName
from services.signing import Keys

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class StageProgress:
    """How far a stage is: percent is 0 to 100 of it; None when it has ended, whatever came of it."""

    job_id: UUID
    video_id: UUID
    stage: StageName
    percent: float | None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class JobChange:
    """A job that was accepted, cancelled or retried: Postgres says how it stands."""

    job_id: UUID
    video_id: UUID


class Progress:
    """One command per call, however many stages or jobs it tells of."""

    def __init__(self, client: redis.Redis, *, secret: str, previous: str | None = None) -> None:
        self._client = client
        self._signing = Keys.of(secret, "progress", previous=previous)

    def tell(self, told: Sequence[StageProgress | JobChange]) -> None:
        body = json.dumps([_as_item(one) for one in told])
        try:
            self._client.publish(keys.progress(), f"{self._signing.sign(body.encode())}.{body}")
        except redis.RedisError as error:
            log.debug("progress_not_told", reason=type(error).__name__)

    def read(self, data: bytes) -> tuple[StageProgress | JobChange, ...]:
        """What a message on the channel tells; nothing when we did not sign it."""
        signature, _, body = data.partition(b".")
        if not self._signing.is_signed(body, signature.decode("ascii", "replace")):
            return ()
        return tuple(_from_item(item) for item in json.loads(body))


def _as_item(told: StageProgress | JobChange) -> list[object]:
    if isinstance(told, JobChange):
        return [str(told.job_id), str(told.video_id)]
    return [str(told.job_id), str(told.video_id), told.stage, told.percent, told.message]


def _from_item(item: Sequence[Any]) -> StageProgress | JobChange:
    job_id, video_id = UUID(item[0]), UUID(item[1])
    if len(item) == 2:
        return JobChange(job_id=job_id, video_id=video_id)
    _, _, stage, percent, message = item
    return StageProgress(
        job_id=job_id,
        video_id=video_id,
        stage=StageName(stage),
        percent=None if percent is None else float(percent),
        message=message,
    )
