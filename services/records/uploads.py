"""Uploads under way: the offset of each is a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text


@dataclass(frozen=True, kw_only=True)
class UploadRecord:
    """size and offset in bytes; video_id once it was accepted."""

    id: UUID
    user_id: int
    file_name: str
    title: str
    size: int
    fingerprint: str
    offset: int
    video_id: UUID | None
    tags: tuple[str, ...]
    touched_at: datetime


@dataclass(frozen=True, kw_only=True)
class SameVideo:
    id: UUID
    title: str
    created_at: datetime


_COLUMNS = (
    "id, user_id, file_name, title, size_bytes as size, fingerprint, offset_bytes as offset, video_id, tags, touched_at"
)


def create(
    connection: Connection, *, upload_id: UUID, user_id: int, file_name: str, title: str, size: int, fingerprint: str
) -> UploadRecord:
    row = connection.execute(
        text(
            "insert into uploads (id, user_id, file_name, title, size_bytes, fingerprint)"
            f" values (:id, :user_id, :file_name, :title, :size, :fingerprint) returning {_COLUMNS}"
        ),
        {
            "id": upload_id,
            "user_id": user_id,
            "file_name": file_name,
            "title": title,
            "size": size,
            "fingerprint": fingerprint,
        },
    ).one()
    return _upload(row)


def find(connection: Connection, upload_id: UUID, *, user_id: int, lock: bool = False) -> UploadRecord | None:
    """The user's own upload; lock holds the row until the end of the transaction."""
    query = f"select {_COLUMNS} from uploads where id = :id and user_id = :user_id"
    row = connection.execute(
        text(query + (" for update" if lock else "")), {"id": upload_id, "user_id": user_id}
    ).one_or_none()
    return None if row is None else _upload(row)


def find_unfinished(
    connection: Connection, *, user_id: int, fingerprint: str, size: int, file_name: str
) -> UploadRecord | None:
    """The newest upload of the same file that was begun and not completed."""
    row = connection.execute(
        text(
            f"select {_COLUMNS} from uploads where user_id = :user_id and fingerprint = :fingerprint"
            " and size_bytes = :size and file_name = :file_name and video_id is null order by created_at desc limit 1"
        ),
        {"user_id": user_id, "fingerprint": fingerprint, "size": size, "file_name": file_name},
    ).one_or_none()
    return None if row is None else _upload(row)


def find_video(connection: Connection, *, user_id: int, fingerprint: str, size: int) -> SameVideo | None:
    """The user's newest video that was made of a file with this fingerprint and size."""
    row = connection.execute(
        text(
            "select v.id, v.title, v.created_at from uploads u join videos v on v.id = u.video_id"
            " where u.user_id = :user_id and u.fingerprint = :fingerprint and u.size_bytes = :size"
            " order by v.created_at desc limit 1"
        ),
        {"user_id": user_id, "fingerprint": fingerprint, "size": size},
    ).one_or_none()
    return None if row is None else SameVideo(**row._mapping)


def unfinished(connection: Connection, *, user_id: int, touched_within: float, limit: int) -> tuple[UploadRecord, ...]:
    """The user's uploads that were not completed, touched within the last seconds, newest first."""
    rows = connection.execute(
        text(
            f"select {_COLUMNS} from uploads where user_id = :user_id and video_id is null"
            " and touched_at > now() - make_interval(secs => :seconds) order by touched_at desc limit :limit"
        ),
        {"user_id": user_id, "seconds": touched_within, "limit": limit},
    )
    return tuple(_upload(row) for row in rows)


def describe(connection: Connection, upload_id: UUID, *, title: str, tags: Sequence[str]) -> None:
    connection.execute(
        text("update uploads set title = :title, tags = cast(:tags as text[]) where id = :id"),
        {"id": upload_id, "title": title, "tags": list(tags)},
    )


def delete(connection: Connection, upload_id: UUID) -> None:
    """Only what was not accepted can go."""
    connection.execute(text("delete from uploads where id = :id and video_id is null"), {"id": upload_id})


def move_offset(connection: Connection, upload_id: UUID, *, offset: int) -> None:
    connection.execute(
        text("update uploads set offset_bytes = :offset, touched_at = now() where id = :id and offset_bytes < :offset"),
        {"id": upload_id, "offset": offset},
    )


def start_again(connection: Connection, upload_id: UUID) -> None:
    """The bytes are gone: the next one is the first."""
    connection.execute(
        text("update uploads set offset_bytes = 0, touched_at = now() where id = :id and video_id is null"),
        {"id": upload_id},
    )


def set_video(connection: Connection, upload_id: UUID, *, video_id: UUID) -> None:
    connection.execute(
        text("update uploads set video_id = :video_id where id = :id"), {"id": upload_id, "video_id": video_id}
    )


def unfinished_ids(connection: Connection, *, touched_within: float) -> set[UUID]:
    """Uploads that may still go on: touched within the last seconds."""
    rows = connection.execute(
        text("select id from uploads where video_id is null and touched_at > now() - make_interval(secs => :seconds)"),
        {"seconds": touched_within},
    )
    return {row.id for row in rows}


def _upload(row: Row[Any]) -> UploadRecord:
    return UploadRecord(**{**row._mapping, "tags": tuple(row.tags)})
