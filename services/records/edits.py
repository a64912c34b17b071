"""What people changed of outputs."""

from __future__ import annotations

import json
from uuid import UUID

from sqlalchemy import Connection, text


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


def newest(connection: Connection, video_id: UUID) -> dict[str, object]:
    """By target what stands, of the newest output of each stage name; targets that are as they were made left out."""
    rows = connection.execute(
        text(
            "select target, value from ("
            " select distinct on (e.target) e.target, e.value from edits e where e.video_id = :video_id"
            " and e.stage_id in (select distinct on (name) stage_id from outputs where video_id = :video_id"
            "  order by name, stage_id desc) order by e.target, e.id desc"
            ") standing where value is not null"
        ),
        {"video_id": video_id},
    )
    return {row.target: row.value for row in rows}


def newest_stage(connection: Connection, video_id: UUID, name: str) -> int | None:
    """The stage whose output of this name counts."""
    stage_id: int | None = connection.execute(
        text("select stage_id from outputs where video_id = :video_id and name = :name order by stage_id desc limit 1"),
        {"video_id": video_id, "name": name},
    ).scalar_one_or_none()
    return stage_id
