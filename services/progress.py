"""Live progress over Redis: told once to whoever listens, and lost without harm. Postgres keeps the snapshot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import redis
import structlog

from services import keys
from services.model import StageName
from services.signing import derived_key, is_signed, sign

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class StageProgress:
    """How far a stage is: percent is 0 to 100 of it; None when it has ended, whatever came of it."""

    job_id: UUID
    video_id: UUID
    stage: StageName
    percent: float | None
    message: str = ""


class Progress:
    """One command per call, however many stages it tells of."""

    def __init__(self, client: redis.Redis, *, secret: str) -> None:
        self._client = client
        self._key = derived_key(secret, "progress")

    def tell(self, stages: Sequence[StageProgress]) -> None:
        body = json.dumps(
            [[str(told.job_id), str(told.video_id), told.stage, told.percent, told.message] for told in stages]
        )
        try:
            self._client.publish(keys.progress(), f"{sign(self._key, body.encode())}.{body}")
        except redis.RedisError as error:
            log.debug("progress_not_told", reason=type(error).__name__)

    def read(self, data: bytes) -> tuple[StageProgress, ...]:
        """What a message on the channel tells; nothing when we did not sign it."""
        signature, _, body = data.partition(b".")
        if not is_signed(self._key, body, signature.decode("ascii", "replace")):
            return ()
        return tuple(
            StageProgress(
                job_id=UUID(job_id), video_id=UUID(video_id), stage=StageName(stage), percent=percent, message=message
            )
            for job_id, video_id, stage, percent, message in json.loads(body)
        )
