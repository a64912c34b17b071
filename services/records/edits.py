"""What people changed of outputs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True, kw_only=True)
class EditRow:
    """One edit of the output that a stage made; value None took its target back to how it was made."""

    stage_id: int
    target: str
    value: object | None
    editor: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class PastEdit(EditRow):
    """stands: the output that it changed still does."""

    stands: bool


_EDIT = "e.stage_id, e.target, e.value, u.name as editor, e.at"


def append(
    connection: Connection, *, video_id: UUID, stage_id: int, target: str, value: object | None, user_id: int
) -> None:
    """value None takes the target back to how it was made."""
    connection.execute(
        text(
            "insert into edits (video_id, stage_id, target, value, user_id)"
            " values (:video_id, :stage_id, :target, cast(:value as jsonb), :user_id)"
        ),
        {
            "video_id": video_id,
            "stage_id": stage_id,
            "target": target,
            "value": None if value is None else json.dumps(value),
            "user_id": user_id,
        },
    )


def newest(connection: Connection, video_id: UUID) -> dict[str, EditRow]:
    """By target what stands (migrations/versions/edits/standing.sql); what was taken back is left out."""
    rows = connection.execute(
        text(
            f"select {_EDIT} from (select distinct on (target) * from standing_edits(:video_id)"
            " order by target, id desc) e join users u on u.id = e.user_id where e.value is not null"
        ),
        {"video_id": video_id},
    )
    return {row.target: EditRow(**row._mapping) for row in rows}


def of_output(connection: Connection, stage_id: int, *, beginning: str = "") -> tuple[EditRow, ...]:
    """The newest edit of each target of one output; only of targets that begin so."""
    rows = connection.execute(
        text(
            f"select distinct on (e.target) {_EDIT}"
            " from edits e join users u on u.id = e.user_id"
            " where e.video_id = (select video_id from stages where id = :stage_id) and e.stage_id = :stage_id"
            " and starts_with(e.target, :beginning) order by e.target, e.id desc"
        ),
        {"stage_id": stage_id, "beginning": beginning},
    )
    return tuple(EditRow(**row._mapping) for row in rows)


def of_video(connection: Connection, video_id: UUID, *, limit: int) -> tuple[PastEdit, ...]:
    """Every edit there was, newest first."""
    rows = connection.execute(
        text(
            f"select {_EDIT}, e.id in (select id from standing_edits(:video_id)) as stands"
            " from edits e join users u on u.id = e.user_id"
            " where e.video_id = :video_id order by e.id desc limit :limit"
        ),
        {"video_id": video_id, "limit": limit},
    )
    return tuple(PastEdit(**row._mapping) for row in rows)
