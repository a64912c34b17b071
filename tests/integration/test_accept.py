"""Accepting an upload is one transaction; losing Redis costs a delay only."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import text

from services import begun_uploads, receiving
from services.begun_uploads import MOST_UNFINISHED
from services.bootstrap import Services
from services.errors import BadInput, IllegalMove, LimitReached, NotAllowed, NotFound, Unavailable
from services.library import Query
from services.model import JobKind, JobState, Role, StageName, StageState, User, VideoState
from services.receiving import fingerprint_of
from services.records.uploads import KEPT_SECONDS
from services.settings import Settings
from services.uploads import Described, Duplicate, Upload
from tests.integration.conftest import NewUser

Another = Callable[..., Services]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"ID33456789" * 300_000)  # as a sound file begins
    return path


async def parts(*chunks: bytes, broken: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if broken:
        raise ConnectionResetError


def begin(services: Services, user: object, size: int) -> Upload:
    return services.uploads.begin(user, file_name="film.mp4", size=size, fingerprint="f", title=None)  # type: ignore[arg-type]


def test_everything_is_recorded_at_once(services: Services, new_user: NewUser, film: Path, client: redis.Redis) -> None:
    user = new_user()
    accepted = services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)
    detail = services.videos.get(user, accepted.video_id)
    assert detail.video.state is VideoState.UPLOADED
    assert detail.video.title == "film"
    assert {stage.name: stage.state for stage in detail.job.stages} == {
        name: StageState.READY if name is StageName.PROBE else StageState.WAITING for name in StageName
    }
    source = detail.file("source")
    assert source is not None
    assert services.videos.open_file(user, source.id).path.read_bytes() == film.read_bytes()
    with services.database.statement() as connection:
        digest = connection.execute(
            text("select sha256 from videos where id = :id"), {"id": accepted.video_id}
        ).scalar_one()
    assert digest == hashlib.sha256(film.read_bytes()).hexdigest()
    assert client.lrange("rq:queue:media", 0, -1) == [b"wake-media"]


def test_one_wake_waits_however_often_it_is_rung_for(
    services: Services, new_user: NewUser, film: Path, client: redis.Redis
) -> None:
    user = new_user()
    for _ in range(3):
        services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)
    assert client.llen("rq:queue:media") == 1


def test_accepted_without_redis(another: Another, new_user: NewUser, film: Path) -> None:
    nobody = redis.Redis(port=1, socket_connect_timeout=0.1, retry=None)
    services = another(client=nobody)
    user = new_user()
    accepted = services.uploads.accept_file(user, film, title="A talk", kind=JobKind.PIPELINE)
    assert services.operations.job(user, accepted.job_id).state is JobState.QUEUED


def test_a_broken_connection_loses_no_byte_that_arrived(services: Services, new_user: NewUser) -> None:
    user = new_user()
    upload = begin(services, user, 10)
    with pytest.raises(ConnectionResetError):
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID33", broken=True)))
    assert services.uploads.status(user, upload.id).offset == 4
    with pytest.raises(IllegalMove, match="byte 4"):
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID33456789")))
    with pytest.raises(IllegalMove, match="6 bytes are missing"):
        services.uploads.complete(user, upload.id)
    asyncio.run(services.uploads.append(user, upload.id, offset=4, chunks=parts(b"456789")))
    accepted = services.uploads.complete(user, upload.id)
    assert services.uploads.complete(user, upload.id) == accepted
    source = services.videos.get(user, accepted.video_id).file("source")
    assert source is not None
    assert services.videos.open_file(user, source.id).path.read_bytes() == b"ID33456789"


def test_an_upload_goes_on_after_a_restart(another: Another, services: Services, new_user: NewUser) -> None:
    user = new_user()
    upload = begin(services, user, 10)
    asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID334")))
    restarted = another()
    again = begin(restarted, user, 10)
    assert (again.id, again.offset) == (upload.id, 5)
    asyncio.run(restarted.uploads.append(user, upload.id, offset=5, chunks=parts(b"56789")))
    accepted = restarted.uploads.complete(user, upload.id)
    with restarted.database.statement() as connection:
        digest = connection.execute(
            text("select sha256 from videos where id = :id"), {"id": accepted.video_id}
        ).scalar_one()
    assert digest == hashlib.sha256(b"ID33456789").hexdigest()


def test_bytes_that_are_gone_are_asked_for_again(services: Services, new_user: NewUser) -> None:
    user = new_user()
    upload = begin(services, user, 10)
    asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID334")))
    services.storage.incoming(upload.id).unlink()
    with pytest.raises(IllegalMove, match="starts again at byte 0"):
        asyncio.run(services.uploads.append(user, upload.id, offset=5, chunks=parts(b"56789")))
    assert services.uploads.status(user, upload.id).offset == 0


def test_one_connection_sends_at_a_time(services: Services, another: Another, new_user: NewUser) -> None:
    user = new_user()
    upload = begin(services, user, 10)
    other_process = another()

    async def slow() -> AsyncIterator[bytes]:
        yield b"ID334"
        with pytest.raises(IllegalMove, match="Another connection"):
            await other_process.uploads.append(user, upload.id, offset=0, chunks=parts(b"xxxxxxxxxx"))
        yield b"56789"

    asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=slow()))
    source = services.videos.get(user, services.uploads.complete(user, upload.id).video_id).file("source")
    assert source is not None
    assert services.videos.open_file(user, source.id).path.read_bytes() == b"ID33456789"


def test_a_hash_is_right_after_a_part_that_could_not_be_saved(
    services: Services, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user()
    upload = begin(services, user, 10)
    receiving = services.uploads._receiving
    save = receiving._save_offset
    monkeypatch.setattr(receiving, "_save_offset", lambda *_: (_ for _ in ()).throw(Unavailable("down")))
    with pytest.raises(Unavailable):
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID33456789")))
    monkeypatch.setattr(receiving, "_save_offset", save)
    asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID33456789")))
    accepted = services.uploads.complete(user, upload.id)
    with services.database.statement() as connection:
        digest = connection.execute(
            text("select sha256 from videos where id = :id"), {"id": accepted.video_id}
        ).scalar_one()
    assert digest == hashlib.sha256(b"ID33456789").hexdigest()


def test_what_cannot_be_kept_is_refused(services: Services, new_user: NewUser) -> None:
    with pytest.raises(BadInput, match="cannot be kept"):
        services.uploads.begin(new_user(), file_name="f.mp4", size=1, fingerprint="a\x00b", title=None)


def test_what_is_no_film_is_turned_away_at_its_first_bytes(services: Services, new_user: NewUser) -> None:
    user = new_user()
    upload = begin(services, user, 200_000_000)
    taken = 0

    async def document() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 190:
            taken += 1
            yield b"%PDF-1.7" + bytes(1024 * 1024)

    with pytest.raises(BadInput, match="This is a PDF document"):
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=document()))
    assert taken <= 2
    assert not services.storage.incoming(upload.id).exists()
    with pytest.raises(NotFound):
        services.uploads.status(user, upload.id)
    with services.database.statement() as connection:
        (event,) = connection.execute(
            text("select reason, details from events where user_id = :id and action = 'upload refused'"),
            {"id": user.id},
        )
    assert event.reason.startswith("This is a PDF")
    assert event.details == {"file_name": "film.mp4", "size": 200_000_000}


def test_a_first_part_of_a_few_bytes_is_judged_with_what_follows(services: Services, new_user: NewUser) -> None:
    user = new_user()
    for content, taken in ((b"%PDF-1.7", False), (b"ID33", True)):
        upload = services.uploads.begin(user, file_name="f", size=100_000, fingerprint=content.hex(), title=None)
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(content[:2])))
        asyncio.run(services.uploads.append(user, upload.id, offset=2, chunks=parts(content[2:4])))
        rest = parts(content[4:] + bytes(99_996 - len(content[4:])))
        if taken:
            asyncio.run(services.uploads.append(user, upload.id, offset=4, chunks=rest))
            services.uploads.complete(user, upload.id)
        else:
            with pytest.raises(BadInput, match="PDF"):
                asyncio.run(services.uploads.append(user, upload.id, offset=4, chunks=rest))


def test_the_same_content_is_known_again(services: Services, new_user: NewUser, film: Path) -> None:
    user, other = new_user(), new_user()
    size, fingerprint = film.stat().st_size, fingerprint_of(film)

    def same(who: User, *, size: int = size, fingerprint: str = fingerprint) -> Duplicate | None:
        return services.uploads.duplicate_of(who, file_name="renamed.mp4", size=size, fingerprint=fingerprint)

    assert same(user) is None
    accepted = services.uploads.accept_file(user, film, title="A talk", kind=JobKind.PIPELINE)
    found = same(user)
    assert found is not None
    assert (found.video_id, found.title) == (accepted.video_id, "A talk")
    assert abs(datetime.now(UTC) - found.uploaded_at) < timedelta(minutes=1)
    assert same(other) is None
    assert same(user, size=size + 1) is None
    assert same(user, fingerprint="other") is None
    # Whoever said that it is wanted again is not asked again when the connection breaks.
    services.uploads.begin(user, file_name="renamed.mp4", size=size, fingerprint=fingerprint, title=None)
    assert same(user) is None


def test_title_and_tags_are_written_while_it_runs(services: Services, new_user: NewUser) -> None:
    user = new_user()
    upload = begin(services, user, 10)
    assert services.uploads.describe(user, upload.id, title=None, tags=None).title == "film"
    described = services.uploads.describe(
        user, upload.id, title="  The talk ", tags=[" Keynote", "keynote", "#spring "]
    )
    assert described == Described(title="The talk", tags=("Keynote", "spring"))
    assert services.uploads.describe(user, upload.id, title=None, tags=None) == described
    assert services.uploads.describe(user, upload.id, title="", tags=None).title == "film"
    services.uploads.describe(user, upload.id, title="The talk", tags=None)
    with pytest.raises(BadInput, match="40 characters"):
        services.uploads.describe(user, upload.id, title=None, tags=["x" * 41])
    with pytest.raises(NotFound):
        services.uploads.describe(new_user(Role.ADMIN), upload.id, title="Mine", tags=None)
    asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID33456789")))
    video = services.videos.get(user, services.uploads.complete(user, upload.id).video_id).video
    assert (video.title, video.tags) == ("The talk", ("Keynote", "spring"))
    with pytest.raises(IllegalMove, match="of the video"):
        services.uploads.describe(user, upload.id, title="Later", tags=None)


def test_what_was_not_finished_is_offered_for_a_week(services: Services, new_user: NewUser) -> None:
    user = new_user()
    started, untouched, done, old = (
        services.uploads.begin(user, file_name=f"{name}.mp4", size=10, fingerprint=name, title=None)
        for name in ("started", "untouched", "done", "old")
    )
    for upload, content in ((started, b"ID33"), (done, b"ID33456789"), (old, b"ID33")):
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(content)))
    services.uploads.complete(user, done.id)
    with services.database.transaction() as connection:
        connection.execute(
            text("update uploads set touched_at = now() - interval '169 hours' where id = :id"), {"id": old.id}
        )
        connection.execute(
            text("update uploads set touched_at = now() - interval '167 hours' where id = :id"), {"id": started.id}
        )
    (offered,) = services.uploads.unfinished(user)
    assert (offered.id, offered.file_name, offered.size, offered.offset) == (started.id, "started.mp4", 10, 4)
    assert services.uploads.unfinished(new_user()) == ()
    services.storage.incoming(started.id).unlink()  # its bytes are gone: nothing to go on with
    assert services.uploads.unfinished(user) == ()
    assert untouched.offset == 0


def test_what_nobody_goes_on_with_is_swept_with_its_row(services: Services, new_user: NewUser) -> None:
    user = new_user()
    given_up, kept = (
        services.uploads.begin(user, file_name=f"{name}.mp4", size=10, fingerprint=name, title=None)
        for name in ("given up", "kept")
    )
    for upload, age in ((given_up, "169 hours"), (kept, "167 hours")):
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID33")))
        os.utime(services.storage.incoming(upload.id), (0, 0))
        with services.database.transaction() as connection:
            connection.execute(
                text("update uploads set touched_at = now() - cast(:age as interval) where id = :id"),
                {"id": upload.id, "age": age},
            )
    services.sweeper.sweep_files()
    assert not services.storage.has_incoming(given_up.id)
    with pytest.raises(NotFound):
        services.uploads.status(user, given_up.id)
    assert services.storage.has_incoming(kept.id)
    assert services.uploads.status(user, kept.id).offset == 4


def test_a_person_has_few_unfinished_uploads_at_once(services: Services, new_user: NewUser) -> None:
    user = new_user()

    def begin_film(number: int) -> Upload:
        return services.uploads.begin(user, file_name="film.mp4", size=10, fingerprint=str(number), title=None)

    begun = [begin_film(number) for number in range(MOST_UNFINISHED)]
    asyncio.run(services.uploads.append(user, begun[0].id, offset=0, chunks=parts(b"ID33")))
    with pytest.raises(LimitReached, match="50 of your uploads are not finished") as refused:
        begin_film(MOST_UNFINISHED)
    assert 0 < refused.value.retry_after <= KEPT_SECONDS
    assert begin_film(0).id == begun[0].id  # one that is there goes on
    services.uploads.begin(new_user(), file_name="film.mp4", size=10, fingerprint="50", title=None)
    services.uploads.discard(user, begun[1].id)
    begin_film(MOST_UNFINISHED)
    # What never sent a byte makes room by itself.
    with services.database.transaction() as connection:
        connection.execute(
            text("update uploads set touched_at = now() - interval '61 minutes' where user_id = :id"), {"id": user.id}
        )
    begin_film(MOST_UNFINISHED + 1)
    assert services.uploads.status(user, begun[0].id).offset == 4
    with pytest.raises(NotFound):
        services.uploads.status(user, begun[2].id)


def test_hashes_of_uploads_that_stand_do_not_add_up(
    services: Services, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MOST_HASHES", 2)
    user = new_user()
    begun = [
        services.uploads.begin(user, file_name="film.mp4", size=10, fingerprint=str(number), title=None)
        for number in range(3)
    ]
    for upload in begun:
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID33")))
    assert set(services.uploads._receiving._hashes) == {begun[1].id, begun[2].id}
    asyncio.run(services.uploads.append(user, begun[0].id, offset=4, chunks=parts(b"456789")))
    video_id = services.uploads.complete(user, begun[0].id).video_id
    with services.database.transaction() as connection:
        told = connection.execute(text("select sha256 from videos where id = :id"), {"id": video_id}).scalar_one()
    assert told == hashlib.sha256(b"ID33456789").hexdigest()


def test_an_upload_can_be_given_up(services: Services, new_user: NewUser) -> None:
    user = new_user()
    upload = begin(services, user, 10)
    asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID33")))
    with pytest.raises(NotFound):
        services.uploads.discard(new_user(Role.ADMIN), upload.id)
    services.uploads.discard(user, upload.id)
    assert not services.storage.incoming(upload.id).exists()
    with pytest.raises(NotFound):
        services.uploads.status(user, upload.id)
    again = begin(services, user, 10)
    assert again.id != upload.id
    asyncio.run(services.uploads.append(user, again.id, offset=0, chunks=parts(b"ID33456789")))
    services.uploads.complete(user, again.id)
    with pytest.raises(IllegalMove, match="a video now"):
        services.uploads.discard(user, again.id)


def test_more_bytes_than_announced_are_refused(services: Services, new_user: NewUser) -> None:
    user = new_user()
    upload = begin(services, user, 3)
    with pytest.raises(BadInput, match="More bytes"):
        asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=parts(b"ID33")))


def test_refusals_are_told_and_recorded(
    settings: Settings, another: Another, services: Services, new_user: NewUser
) -> None:
    user = new_user()
    with pytest.raises(BadInput, match="empty"):
        begin(services, user, 0)
    with pytest.raises(BadInput, match="GiB"):
        begin(services, user, settings.upload_size_limit + 1)
    full = another(disk_reserve=1 << 60)
    with pytest.raises(Unavailable, match="nearly full"):
        begin(full, user, 10)
    with services.database.statement() as connection:
        reasons = connection.execute(
            text("select reason from events where user_id = :id and action = 'upload refused' order by id"),
            {"id": user.id},
        ).scalars()
        assert [reason.split(".")[0] for reason in reasons] == [
            "This file is empty",
            "This file has 10",
            "The disk of the server is nearly full, so this upload was not begun",
        ]


def test_who_asks_wrongly_without_end_fills_nothing(
    services: Services, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun_uploads, "MOST_NOTED", 3)
    for user in (new_user(), new_user()):
        for _ in range(5):
            with pytest.raises(BadInput, match="empty"):
                begin(services, user, 0)
        with services.database.statement() as connection:
            noted = connection.execute(
                text("select count(*) from events where user_id = :id and action = 'upload refused'"), {"id": user.id}
            ).scalar_one()
        assert noted == 3


def test_an_upload_belongs_to_its_user(services: Services, new_user: NewUser) -> None:
    upload = begin(services, new_user(), 10)
    for stranger in (new_user(), new_user(Role.ADMIN)):
        with pytest.raises(NotFound):
            services.uploads.status(stranger, upload.id)
        with pytest.raises(NotFound):
            asyncio.run(services.uploads.append(stranger, upload.id, offset=0, chunks=parts(b"0")))
        with pytest.raises(NotFound):
            services.uploads.complete(stranger, upload.id)
    with pytest.raises(NotAllowed):
        begin(services, new_user(Role.ANALYST), 10)


def test_the_daily_quota(another: Another, new_user: NewUser, film: Path) -> None:
    services = another(uploads_per_day=2)
    user = new_user()
    for _ in range(2):
        services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)
    with pytest.raises(LimitReached) as refusal:
        services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)
    assert 86_000 < refusal.value.retry_after <= 86_400


def test_over_the_hourly_quota_a_job_is_set_for_later(another: Another, new_user: NewUser, film: Path) -> None:
    services = another(jobs_per_hour=2)
    user = new_user()
    views = [
        services.operations.job(
            user, services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE).job_id
        )
        for _ in range(5)
    ]
    now = datetime.now(UTC)
    waits = [round((view.starts_at - now) / timedelta(hours=1)) for view in views]
    assert waits == [0, 0, 1, 1, 2]


def test_others_see_by_role(services: Services, new_user: NewUser, film: Path) -> None:
    owner, stranger = new_user(), new_user()
    accepted = services.uploads.accept_file(owner, film, title=None, kind=JobKind.PIPELINE)
    source = services.videos.get(owner, accepted.video_id).file("source")
    assert source is not None
    for look in (
        lambda user: services.videos.get(user, accepted.video_id),
        lambda user: services.videos.open_file(user, source.id),
        lambda user: services.operations.job(user, accepted.job_id),
    ):
        with pytest.raises(NotFound):
            look(stranger)
        for role in (Role.ANALYST, Role.OPERATOR, Role.ADMIN):
            look(new_user(role))
    assert stranger.name not in {row.owner for row in services.library.search(stranger, Query()).rows}
    with pytest.raises(NotFound):
        services.operations.cancel(stranger, accepted.job_id)
    with pytest.raises(NotAllowed):
        services.operations.cancel(new_user(Role.ANALYST), accepted.job_id)
    services.operations.cancel(new_user(Role.OPERATOR), accepted.job_id)
    assert services.videos.get(owner, accepted.video_id).video.state is VideoState.CANCELLED
    with pytest.raises(IllegalMove):
        services.operations.cancel(owner, accepted.job_id)
    services.operations.retry(owner, accepted.job_id)
    assert services.videos.get(owner, accepted.video_id).video.state is VideoState.UPLOADED
    with pytest.raises(IllegalMove):
        services.operations.retry(owner, accepted.job_id)
