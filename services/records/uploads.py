"""Uploads under way: the offset of each is a row."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text


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


_COLUMNS = "id, user_id, file_name, title, size_bytes as size, fingerprint, offset_bytes as offset, video_id"


def create(
    connection: Connection, *, upload_id: UUID, user_id: int, file_name: str, title: str, size: int, fingerprint: str
) -> None:
    connection.execute(
        text(
            "insert into uploads (id, user_id, file_name, title, size_bytes, fingerprint)"
            " values (:id, :user_id, :file_name, :title, :size, :fingerprint)"
        ),
        {
            "id": upload_id,
            "user_id": user_id,
            "file_name": file_name,
            "title": title,
            "size": size,
            "fingerprint": fingerprint,
        },
    )


def find(connection: Connection, upload_id: UUID, *, user_id: int, lock: bool = False) -> UploadRecord | None:
    """The user's own upload; lock holds the row until the end of the transaction."""
    query = f"select {_COLUMNS} from uploads where id = :id and user_id = :user_id"
    row = connection.execute(
        text(query + (" for update" if lock else "")), {"id": upload_id, "user_id": user_id}
    ).one_or_none()
    return None if row is None else UploadRecord(**row._mapping)


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
    return None if row is None else UploadRecord(**row._mapping)


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
