"""Videos and their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from services.model import StageName, VideoState


@dataclass(frozen=True, kw_only=True)
class VideoRow:
    """One line of the list; duration, in seconds, once the file was probed.

    thumbnail_id is the picture that stands for it; pictures are all of its thumbnails in order of time.
    """

    id: UUID
    user_id: int
    owner: str
    title: str
    file_name: str
    size: int
    state: VideoState
    created_at: datetime
    duration: float | None
    tags: tuple[str, ...] = ()
    thumbnail_id: UUID | None = None
    pictures: tuple[UUID, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecordedStages:
    """Whose video it is, and the stages that have recorded something for it.

    has_sound and has_picture are None until the file was probed.
    """

    user_id: int
    names: frozenset[StageName]
    has_sound: bool | None
    has_picture: bool | None


@dataclass(frozen=True, kw_only=True)
class FileRow:
    id: UUID
    video_id: UUID
    user_id: int
    role: str
    position: int
    storage_key: str
    media_type: str
    size: int
    title: str
    file_name: str


@dataclass(frozen=True, kw_only=True)
class OutputRow:
    stage_id: int
    data: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class RecordedRow:
    """What a stage recorded, or, where that is long, that it did."""

    name: StageName
    stage_id: int
    data: Mapping[str, object] | None
    language: str | None


COLUMNS = (  # of a VideoRow
    "v.id, v.user_id, u.name as owner, v.title, v.file_name, v.size_bytes as size, v.state, v.created_at, v.duration,"
    " v.tags, v.thumbnail_id, v.pictures"
)
# Joins has_sound and has_picture of the file of the video v; null until it was probed.
PROBED = (
    " left join lateral (select (o.data ->> 'has_sound')::boolean as has_sound,"
    " (o.data ->> 'has_picture')::boolean as has_picture from outputs o"
    " where o.video_id = v.id and o.name = 'probe' order by o.stage_id desc limit 1) probed on true"
)
_VIDEO = f"select {COLUMNS} from videos v join users u on u.id = v.user_id"
_FILE = (
    "select f.id, f.video_id, v.user_id, f.role, f.position, f.storage_key, f.media_type, f.size_bytes as size,"
    " v.title, v.file_name from files f join videos v on v.id = f.video_id"
)


def create(
    connection: Connection, *, video_id: UUID, user_id: int, title: str, file_name: str, size: int, sha256: str
) -> None:
    connection.execute(
        text(
            "insert into videos (id, user_id, title, file_name, size_bytes, sha256)"
            " values (:id, :user_id, :title, :file_name, :size, :sha256)"
        ),
        {
            "id": video_id,
            "user_id": user_id,
            "title": title,
            "file_name": file_name,
            "size": size,
            "sha256": sha256,
        },
    )


def add_source(connection: Connection, *, video_id: UUID, storage_key: str, media_type: str, size: int) -> None:
    connection.execute(
        text(
            "insert into files (video_id, role, storage_key, media_type, size_bytes)"
            " values (:video_id, 'source', :storage_key, :media_type, :size)"
        ),
        {"video_id": video_id, "storage_key": storage_key, "media_type": media_type, "size": size},
    )


def recorded_stages(connection: Connection, video_ids: Sequence[UUID]) -> dict[UUID, RecordedStages]:
    """Of those of the videos that there are."""
    rows = connection.execute(
        text(
            "select id, user_id, array(select distinct name from outputs where video_id = v.id) as names,"
            f" has_sound, has_picture from videos v{PROBED} where id = any (:ids)"
        ),
        {"ids": list(video_ids)},
    )
    return {
        row.id: RecordedStages(
            user_id=row.user_id,
            names=frozenset(map(StageName, row.names)),
            has_sound=row.has_sound,
            has_picture=row.has_picture,
        )
        for row in rows
    }


def find(connection: Connection, video_id: UUID) -> VideoRow | None:
    row = connection.execute(text(_VIDEO + " where v.id = :id"), {"id": video_id}).one_or_none()
    return None if row is None else video_row(row)


def find_content(connection: Connection, user_id: int, *, sha256: str) -> UUID | None:
    """The user's newest video of just these bytes."""
    video_id: UUID | None = connection.execute(
        text(
            "select id from videos where user_id = :user_id and sha256 = :sha256"
            " order by created_at desc, id desc limit 1"
        ),
        {"user_id": user_id, "sha256": sha256},
    ).scalar_one_or_none()
    return video_id


def rename(connection: Connection, video_id: UUID, title: str) -> None:
    connection.execute(text("update videos set title = :title where id = :id"), {"id": video_id, "title": title})


def set_tags(connection: Connection, video_id: UUID, tags: Sequence[str]) -> None:
    connection.execute(
        text("update videos set tags = cast(:tags as text[]) where id = :id"), {"id": video_id, "tags": list(tags)}
    )


def newest_outputs(connection: Connection, video_id: UUID) -> dict[StageName, Mapping[str, object]]:
    """What each stage recorded last."""
    rows = connection.execute(
        text("select distinct on (name) name, data from outputs where video_id = :id order by name, stage_id desc"),
        {"id": video_id},
    )
    return {StageName(row.name): row.data for row in rows}


def short_outputs(connection: Connection, video_id: UUID) -> tuple[RecordedRow, ...]:
    """What each stage recorded last; of a transcript, which is long, only its language."""
    rows = connection.execute(
        text(
            "select name, stage_id, case when name <> 'transcribe' then data end as data,"
            " case when name = 'transcribe' then data ->> 'language' end as language"
            " from (select distinct on (name) name, stage_id, data from outputs where video_id = :id"
            " order by name, stage_id desc) newest"
        ),
        {"id": video_id},
    )
    return tuple(
        RecordedRow(name=StageName(row.name), stage_id=row.stage_id, data=row.data, language=row.language)
        for row in rows
    )


def output_of(connection: Connection, stage_id: int) -> Mapping[str, object]:
    """What a stage recorded."""
    data: Mapping[str, object] = connection.execute(
        text("select data from outputs where stage_id = :stage_id"), {"stage_id": stage_id}
    ).scalar_one()
    return data


def newest_output(connection: Connection, video_id: UUID, name: StageName) -> OutputRow | None:
    """What the stages of this name recorded last."""
    row = connection.execute(
        text("select stage_id, data from outputs where video_id = :id and name = :name order by stage_id desc limit 1"),
        {"id": video_id, "name": name},
    ).one_or_none()
    return None if row is None else OutputRow(**row._mapping)


def lock(connection: Connection, *video_ids: UUID) -> None:
    """Hold the videos' rows, so that nothing is accepted or recorded for them in between.

    Users and jobs are locked before videos.
    """
    connection.execute(
        text("select from videos where id = any (:ids) order by id for no key update"), {"ids": list(video_ids)}
    )


def files(connection: Connection, video_id: UUID) -> tuple[FileRow, ...]:
    """The source, and what the newest output of each stage name shows.

    Of clips that is, for each position in the newest output, the files of the job that this output says made them
    (an earlier one for a clip that was not cut again); where it does not say, for each role the newest file of that
    position. Files of positions that are not in the newest output are left out. Of every other stage name it is the
    files that came with the newest output.
    """
    rows = connection.execute(
        text(
            _FILE + " where f.video_id = :id and (f.stage_id is null or f.stage_id in ("
            " select distinct on (name) stage_id from outputs where video_id = :id and name <> 'clips'"
            " order by name, stage_id desc) or f.id in ("
            " select distinct on (made.role, made.position) made.id"
            " from (select data from outputs where video_id = :id and name = 'clips' order by stage_id desc limit 1)"
            "  newest cross join jsonb_to_recordset(newest.data -> 'clips') as clip (position int, made_by uuid)"
            " join outputs o on o.video_id = :id and o.name = 'clips' and o.job_id = coalesce(clip.made_by, o.job_id)"
            " join files made on made.stage_id = o.stage_id and made.position = clip.position"
            " order by made.role, made.position, made.stage_id desc))"
            " order by f.role, f.position"
        ),
        {"id": video_id},
    )
    return tuple(FileRow(**row._mapping) for row in rows)


def find_file(connection: Connection, file_id: UUID) -> FileRow | None:
    row = connection.execute(text(_FILE + " where f.id = :id"), {"id": file_id}).one_or_none()
    return None if row is None else FileRow(**row._mapping)


def known_storage_keys(connection: Connection, keys: list[str]) -> set[str]:
    """Those of the keys that a row names."""
    rows = connection.execute(text("select storage_key from files where storage_key = any (:keys)"), {"keys": keys})
    return {row.storage_key for row in rows}


def video_row(row: Row[Any]) -> VideoRow:
    """The row of a statement that asked for COLUMNS, and maybe for more."""
    return VideoRow(
        id=row.id,
        user_id=row.user_id,
        owner=row.owner,
        title=row.title,
        file_name=row.file_name,
        size=row.size,
        state=VideoState(row.state),
        created_at=row.created_at,
        duration=row.duration,
        tags=tuple(row.tags),
        thumbnail_id=row.thumbnail_id,
        pictures=tuple(row.pictures),
    )
