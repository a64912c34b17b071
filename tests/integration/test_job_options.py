"""What a job was asked for beyond its kind is kept with it and reaches its stages."""

from __future__ import annotations

from uuid import uuid4

from services.database import Database
from services.model import JobKind, Priority, QueueName
from services.records import jobs, stages
from services.records.jobs import NewJob
from tests.integration.conftest import NewUser
from tests.integration.work import accept, claim, clear_work, lease

CUTS: dict[str, object] = {"cuts": [{"position": 1, "start": 2.5, "end": 9.25, "title": "A “title” with 100 %"}]}


def test_options_reach_the_stage_of_their_job_and_no_other(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    user = new_user()
    first = accept(database, user)
    asked = NewJob(
        id=uuid4(),
        video_id=first.video_id,
        user_id=user.id,
        submitter_id=user.id,
        kind=JobKind.PIPELINE,
        recorded=(),
        priority=Priority.NORMAL,
        options=CUTS,
    )
    with database.transaction() as connection:
        jobs.accept(connection, asked, jobs_per_hour=1000, actor="test")
        row = jobs.find(connection, asked.id)
        assert row is not None
        assert row.options == CUTS
        assert [job.options for job in jobs.of_video(connection, first.video_id)] == [CUTS, {}]
    claims = claim(database, lease(), QueueName.MEDIA)
    assert {one.job_id for one in claims} == {first.job_id, asked.id}
    with database.transaction() as connection:
        inputs = stages.inputs(connection, [one.job_id for one in claims])
    assert inputs[asked.id].options == CUTS
    assert inputs[first.job_id].options == {}


def test_many_are_accepted_each_with_its_own(database: Database, new_user: NewUser) -> None:
    user = new_user()
    video_id = accept(database, user).video_id
    new = [
        NewJob(
            id=uuid4(),
            video_id=video_id,
            user_id=user.id,
            submitter_id=user.id,
            kind=JobKind.PIPELINE,
            recorded=(),
            priority=Priority.BULK,
            options=options,
        )
        for options in ({}, CUTS)
    ]
    with database.transaction() as connection:
        jobs.accept_many(connection, new, jobs_per_hour=1000, actor="test")
        found = [jobs.find(connection, job.id) for job in new]
    assert [row.options for row in found if row is not None] == [{}, CUTS]
