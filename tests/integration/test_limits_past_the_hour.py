"""Past the jobs of an hour an upload is kept, and its job starts by itself when the hour frees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from services.bootstrap import build
from services.model import JobKind, JobState, StageState, VideoState
from tests.films import film_of
from tests.integration.fleet import Fleet, eventually


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    fleet.settings = fleet.settings.model_copy(update={"jobs_per_hour": 10})
    fleet.services.close()
    fleet.services = build(fleet.settings)
    yield fleet
    fleet.stop()


def test_the_eleventh_job_starts_when_the_hour_frees(fleet: Fleet) -> None:
    fleet.start("media")
    films = [fleet.folder / f"{number}.mp4" for number in range(11)]
    for number, film in enumerate(films):
        film.write_bytes(film_of(b"%d" % number))
    accepted = [
        fleet.services.uploads.accept_file(fleet.user, film, title="sleep:0", kind=JobKind.PIPELINE) for film in films
    ]
    *first, last = accepted
    for one in first:
        eventually(lambda one=one: fleet.stage(one.job_id) is StageState.SUCCEEDED, 60, "a probe")  # type: ignore[misc]
    assert fleet.services.videos.get(fleet.user, last.video_id).video.state is VideoState.UPLOADED
    assert fleet.state(last.job_id) is JobState.QUEUED
    assert fleet.services.limits.of(fleet.user).jobs.left == 0
    with fleet.services.database.transaction() as connection:  # an hour goes by
        connection.execute(text("update quota_uses set at = at - interval '1 hour'"))
        connection.execute(text("update jobs set starts_at = starts_at - interval '1 hour'"))
        connection.execute(
            text("update stages set available_at = available_at - interval '1 hour' where job_id = :id"),
            {"id": last.job_id},
        )
    eventually(lambda: fleet.stage(last.job_id) is StageState.SUCCEEDED, 40, "the probe of the eleventh")
    assert fleet.services.limits.of(fleet.user).jobs.left == 9
