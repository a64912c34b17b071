"""Uploads under way: the offset of each is a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

KEPT_SECONDS = 7 * 86_400.0  # for which an upload that stopped may go on: untouched for longer, it is given up
# Of uploads, with the parameter kept_seconds: those that may go on.
GOES_ON = "video_id is null and touched_at > now() - make_interval(secs => :kept_seconds)"


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
class Unfinished:
    """An upload that stopped at offset, in bytes."""

    id: UUID
    file_name: str
    size: int
    offset: int
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


def find_between(connection: Connection, first: UUID, last: UUID, *, user_id: int) -> UploadRecord | None:
    """The user's own upload with an id in this range, which holds one at most."""
    row = connection.execute(
        text(f"select {_COLUMNS} from uploads where id between :first and :last and user_id = :user_id"),
        {"first": first, "last": last, "user_id": user_id},
    ).one_or_none()
    return None if row is None else _upload(row)


def find_unfinished(
    connection: Connection, *, user_id: int, fingerprint: str, size: int, file_name: str
) -> UploadRecord | None:
    """The newest upload of the same file that may go on."""
    row = connection.execute(
        text(
            f"select {_COLUMNS} from uploads where user_id = :user_id and fingerprint = :fingerprint"
            f" and size_bytes = :size and file_name = :file_name and {GOES_ON} order by created_at desc limit 1"
        ),
        {
            "user_id": user_id,
            "fingerprint": fingerprint,
            "size": size,
            "file_name": file_name,
            "kept_seconds": KEPT_SECONDS,
        },
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


# What a user is offered to go on with, newest first: something of it must have arrived.
UNFINISHED = (
    "select id, file_name, size_bytes as size, offset_bytes as offset, touched_at from uploads"
    f" where user_id = :user_id and offset_bytes > 0 and {GOES_ON} order by touched_at desc"
)


def unfinished(connection: Connection, *, user_id: int) -> tuple[Unfinished, ...]:
    """The user's uploads of which something arrived and that may go on, newest first."""
    rows = connection.execute(text(UNFINISHED), {"user_id": user_id, "kept_seconds": KEPT_SECONDS})
    return tuple(Unfinished(**row._mapping) for row in rows)


def first_to_go(connection: Connection, *, user_id: int, most: int) -> datetime | None:
    """When the first of the user's unfinished uploads was touched last, if they have as many as most or more."""
    touched_at: datetime | None = connection.execute(
        text(f"select min(touched_at) from uploads where user_id = :user_id and {GOES_ON} having count(*) >= :most"),
        {"user_id": user_id, "most": most, "kept_seconds": KEPT_SECONDS},
    ).scalar_one_or_none()
    return touched_at


def delete_unsent(connection: Connection, *, user_id: int, untouched_for: float) -> None:
    """Forget those of which nothing arrived, and which nobody touched for as many seconds: nothing is lost."""
    connection.execute(
        text(
            "delete from uploads where user_id = :user_id and video_id is null and offset_bytes = 0"
            " and touched_at < now() - make_interval(secs => :seconds)"
        ),
        {"user_id": user_id, "seconds": untouched_for},
    )


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


def give_up(connection: Connection) -> set[UUID]:
    """Forget the uploads that nobody goes on with; whose bytes may go."""
    rows = connection.execute(
        text(f"delete from uploads where video_id is null and not ({GOES_ON}) returning id"),
        {"kept_seconds": KEPT_SECONDS},
    )
    return {row.id for row in rows}


def under_way(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these uploads that may go on."""
    rows = connection.execute(
        text(f"select id from uploads where id = any (:ids) and {GOES_ON}"),
        {"ids": list(ids), "kept_seconds": KEPT_SECONDS},
    )
    return {row.id for row in rows}


def _upload(row: Row[Any]) -> UploadRecord:
    return UploadRecord(**{**row._mapping, "tags": tuple(row.tags)})
