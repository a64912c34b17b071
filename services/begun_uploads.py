"""The uploads that a person has begun: what the same key began, how many may be unfinished, and what was refused."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from services.durations import HOUR, seconds_until
from services.errors import LimitReached
from services.idempotency import Creation
from services.model import User
from services.records import events, uploads
from services.records.uploads import KEPT_SECONDS, UploadRecord

MOST_UNFINISHED = 50  # uploads of one person
MOST_NOTED = 100  # refusals of one person in an hour: events are kept for ever
UNSENT_SECONDS = 3600.0  # after which one of which nothing arrived makes room for another


def begun_before(connection: Connection, user: User, creation: Creation) -> UploadRecord | None:
    """What the same key began. Raises IllegalMove where that is another file."""
    begun = uploads.find_between(connection, creation.first, creation.last, user_id=user.id)
    if begun is not None:
        creation.require_same(begun.id)
    return begun


def require_few_unfinished(connection: Connection, user: User) -> None:
    uploads.delete_unsent(connection, user_id=user.id, untouched_for=UNSENT_SECONDS)
    first = uploads.first_to_go(connection, user_id=user.id, most=MOST_UNFINISHED)
    if first is not None:
        raise LimitReached(
            f"{MOST_UNFINISHED} of your uploads are not finished. Go on with some of them, or discard them on Upload.",
            retry_after=seconds_until(first + timedelta(seconds=KEPT_SECONDS)),
        )


def note_refusal(connection: Connection, user: User, file_name: str, size: int, reason: str) -> None:
    """Put on record what was refused, but no more of whoever was refused so often of late."""
    if events.count_of_late(connection, "upload refused", user_id=user.id, seconds=HOUR) >= MOST_NOTED:
        return
    events.append(
        connection,
        actor=f"user:{user.id}",
        action="upload refused",
        user_id=user.id,
        reason=reason,
        details={"file_name": file_name, "size": size},
    )
