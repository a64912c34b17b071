"""A database that has been used is brought to the newest schema: what was there is shown and found, and goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import alembic.command
import alembic.config
import pytest
from sqlalchemy import Connection, text

import services
from services.database import Database, upgrade
from services.edits import Edits
from services.library import Length, Library, Query
from services.model import JobKind, JobState, Priority, QueueName, User, VideoState
from services.notifications import Notifications
from services.outputs import ThumbnailsOutput
from services.records import jobs, live, videos
from services.records.jobs import NewJob
from services.records.stages import Claim, Finish
from tests.integration.conftest import NewUser
from tests.integration.work import claim, finish, lease, success
from tests.invariants import violations
from tests.unlimited import Unlimited
from tests.web.made import SENTENCES, all_outputs

MADE = all_outputs()


@pytest.fixture
def empty(postgres_url: str) -> Iterator[Database]:
    """A database of its own beside the others, without the product's tables."""
    name = f"upgraded_{uuid4().hex}"
    server = Database(postgres_url)
    with server.statement() as connection:
        connection.execute(text(f"create database {name}"))
    database = Database(server.engine.url.set(database=name).render_as_string(hide_password=False))
    yield database
    database.close()
    with server.statement() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    server.close()


def to_revision(database: Database, revision: str) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(services.__file__).with_name("migrations")))
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)


def address(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def a_video(connection: Connection, user: User, *, title: str, kind: JobKind) -> NewJob:
    """A video as the fourth version accepted it, with a job."""
    video_id = uuid4()
    connection.execute(
        text(
            "insert into videos (id, user_id, title, file_name, size_bytes, sha256, created_at)"
            " values (:id, :user_id, :title, 'talk.mp4', 1, '0', now() - interval '3 days')"
        ),
        {"id": video_id, "user_id": user.id, "title": title},
    )
    videos.add_source(connection, video_id=video_id, storage_key=f"{video_id}", media_type="video/mp4", size=1)
    job = NewJob(
        id=uuid4(),
        video_id=video_id,
        user_id=user.id,
        submitter_id=user.id,
        kind=kind,
        recorded=(),
        priority=Priority.NORMAL,
    )
    connection.execute(
        text(
            "select accept_job(:job, :video, :user, :user, :kind, cast(10 as smallint), cast(:stages as jsonb), 1000,"
            " 'user:' || :user)"
        ),
        {"job": job.id, "video": video_id, "user": user.id, "kind": kind, "stages": json.dumps(job.stages())},
    )
    return job


def record(database: Database) -> int:
    """Records what the stages that are ready make; how many there were."""
    held = lease()
    claims = [one for queue in QueueName for one in claim(database, held, queue)]
    finish(database, [recorded(one) for one in claims])
    return len(claims)


def recorded(one: Claim) -> Finish:
    """The fourth version made large thumbnails only."""
    output = MADE[one.name]
    pictures = range(3) if isinstance(output, ThumbnailsOutput) else ()
    return replace(
        success(one),
        data=output.model_dump(mode="json"),
        files=[
            {
                "role": "thumbnail",
                "position": position,
                "storage_key": f"{one.stage_id}/{position}",
                "media_type": "image/jpeg",
                "size_bytes": 1,
            }
            for position in pictures
        ],
    )


@pytest.fixture
def user(empty: Database) -> User:
    """Somebody in a database of the fourth version."""
    to_revision(empty, "0004")
    return NewUser(empty)()


def test_what_was_recorded_before_is_shown_found_and_edited(empty: Database, user: User) -> None:
    with empty.transaction() as connection:
        done = a_video(connection, user, title="The company", kind=JobKind.PIPELINE)
    while record(empty):
        pass
    upgrade(address(empty))
    with empty.transaction() as connection:
        row = videos.find(connection, done.video_id)
        made_at = connection.execute(text("select max(created_at) from outputs")).scalar_one()
        changed_at = connection.execute(text("select changed_at from videos")).scalar_one()
        lines = connection.execute(text("select text from spoken_lines order by position")).scalars().all()
        shown = {file.id: file for file in videos.files(connection, done.video_id)}
        (job,) = jobs.of_video(connection, done.video_id)
        assert violations(connection) == {}
    assert row is not None
    assert (row.state, row.duration, row.tags) == (VideoState.REPURPOSED, 607.2, ())
    assert [shown[picture].position for picture in row.pictures] == [0, 1, 2]
    assert row.thumbnail_id is not None
    assert shown[row.thumbnail_id].position == 2, "the one that was picked"
    assert changed_at == made_at
    assert lines == list(SENTENCES * 3)
    assert (job.state, job.options) == (JobState.SUCCEEDED, {})
    library = Library(empty, Unlimited())
    for words in ("perfect film", '"somebody else had posted"', "company", "talk", "weeks"):
        assert [found.id for found in library.search(user, Query(text=words)).rows] == [done.video_id], words
    assert library.search(user, Query(length=Length.MEDIUM)).rows == (row,)
    assert Notifications(empty).inbox(user).rows == (), "what ended long ago is no news"
    Edits(empty, Unlimited()).save(user, done.video_id, "segment:1", "zymurgy")
    Edits(empty, Unlimited()).save(user, done.video_id, "thumbnail", 1)
    (found,) = library.search(user, Query(text="zymurgy")).rows
    assert found.thumbnail_id == row.pictures[1]


def test_work_that_was_under_way_goes_on(empty: Database, user: User) -> None:
    with empty.transaction() as connection:
        going = a_video(connection, user, title="Going", kind=JobKind.TRANSCRIBE)
        stopped = a_video(connection, user, title="Stopped", kind=JobKind.POSTS)
        connection.execute(
            text(
                "insert into uploads (id, user_id, file_name, title, size_bytes, fingerprint)"
                " values (gen_random_uuid(), :user_id, 'talk.mp4', 't', 10, 'f')"
            ),
            {"user_id": user.id},
        )
    assert record(empty) == 2, "both were looked at"
    with empty.transaction() as connection:
        jobs.cancel(connection, stopped.id, actor="test", reason="as drawn")
    upgrade(address(empty))
    assert {row.title: row.duration for row in Library(empty, Unlimited()).search(user, Query()).rows} == {
        "Going": 607.2,
        "Stopped": 607.2,
    }
    with empty.transaction() as connection:
        (watched,) = live.unfinished(connection, limit=10)
    assert (watched.job.id, watched.duration) == (going.id, 607.2)
    assert record(empty) == 1
    (told,) = Notifications(empty).inbox(user).rows
    assert (told.video_id, told.outcome) == (going.video_id, JobState.SUCCEEDED)
    with empty.transaction() as connection:
        assert jobs.retry(connection, stopped.id, actor="test", reason="as drawn") == (QueueName.MEDIA,)
        assert connection.execute(text("select tags from uploads")).scalar_one() == []
        assert violations(connection) == {}


def test_a_database_that_keeps_its_extensions_apart(empty: Database) -> None:
    """Without the index on parts of names they are looked through one by one."""
    with empty.transaction() as connection:
        connection.execute(text("create schema extensions"))
        connection.execute(text("create extension pg_trgm schema extensions"))
    upgrade(address(empty))
    user = NewUser(empty)()
    with empty.transaction() as connection:
        video_id = uuid4()
        videos.create(
            connection, video_id=video_id, user_id=user.id, title="XK-4711-B", file_name="f", size=1, sha256="0"
        )
    assert [row.id for row in Library(empty, Unlimited()).search(user, Query(text="711")).rows] == [video_id]
