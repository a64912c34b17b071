"""The same done to many videos: whom it reaches, what it leaves out and why, and that it is done once."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import text

from services.bootstrap import Services
from services.bulk import MOST, Order, Verb
from services.database import Database
from services.errors import BadInput, IllegalMove, NotAllowed
from services.kinds import WITHOUT_PICTURE, WITHOUT_SOUND
from services.model import JobKind, JobState, QueueName, Role, StageName, User
from services.records.stages import Finish, Outcome
from tests.integration.conftest import NewUser
from tests.integration.recorded import make, probed, said
from tests.integration.work import Accepted, accept, claim, clear_work, finish, lease, success
from tests.invariants import violations

NOTHING_FAILED = "Nothing failed or was cancelled: there is nothing to try again."
NOTHING_RUNS = "Nothing is under way: there is nothing to cancel."


@pytest.fixture(autouse=True)
def _fresh(database: Database, client: redis.Redis) -> None:
    clear_work(database)


def failed(database: Database, user: User) -> Accepted:
    """A video whose file is nothing that can be read."""
    accepted = accept(database, user)
    (claimed,) = (one for one in claim(database, lease(), QueueName.MEDIA) if one.job_id == accepted.job_id)
    finish(
        database,
        [Finish(stage_id=claimed.stage_id, token=claimed.token, outcome=Outcome.FAILED, reason="The file is broken.")],
    )
    return accepted


def states(services: Services, user: User, *accepted: Accepted) -> list[JobState]:
    return [services.operations.job(user, one.job_id).state for one in accepted]


def test_what_failed_or_was_cancelled_is_tried_again(services: Services, database: Database, new_user: NewUser) -> None:
    user = new_user()
    broken, stopped, waiting = failed(database, user), accept(database, user), accept(database, user)
    services.operations.cancel(user, stopped.job_id)
    order = Order(verb=Verb.RETRY, video_ids=tuple(one.video_id for one in (broken, stopped, waiting)))
    plan = services.bulk.plan(user, order)
    assert set(plan.video_ids) == {broken.video_id, stopped.video_id}
    assert plan.skipped == {"Still being worked on.": 1}
    assert states(services, user, broken, stopped) == [JobState.FAILED, JobState.CANCELLED]

    outcome = services.bulk.run(user, order)
    assert outcome.done == 2
    assert outcome.left_out == {"Still being worked on.": 1}
    assert states(services, user, broken, stopped, waiting) == [JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
    again = services.bulk.run(user, order)
    assert again.done == 0
    assert again.left_out == {"Still being worked on.": 3}
    with database.statement() as connection:
        assert violations(connection) == {}


def test_what_is_under_way_is_cancelled(services: Services, database: Database, new_user: NewUser) -> None:
    user = new_user()
    broken, waiting = failed(database, user), accept(database, user)
    order = Order(verb=Verb.CANCEL, video_ids=(broken.video_id, waiting.video_id))
    assert services.bulk.plan(user, order).skipped == {NOTHING_RUNS: 1}
    outcome = services.bulk.run(user, order)
    assert outcome.answers == {broken.video_id: NOTHING_RUNS, waiting.video_id: None}
    assert states(services, user, waiting) == [JobState.CANCELLED]


def test_one_kind_again_only_where_it_makes_sense(services: Services, database: Database, new_user: NewUser) -> None:
    user = new_user()
    settled = [StageName.PROBE, StageName.TRANSCRIBE]
    talk = make(database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: said("words")})
    silent = make(database, user, {StageName.PROBE: probed(has_sound=False)})
    sound = make(database, user, {StageName.PROBE: probed(has_picture=False), StageName.TRANSCRIBE: said("words")})
    for one in (talk, silent, sound):
        services.operations.cancel(user, one.job_id)
    ids = (talk.video_id, silent.video_id, sound.video_id)
    silenced, unseen = WITHOUT_SOUND, WITHOUT_PICTURE
    wanted = {
        JobKind.TRANSCRIBE: {silenced[StageName.TRANSCRIBE]: 1},
        JobKind.ANALYZE: {silenced[StageName.ANALYZE]: 1},
        JobKind.POSTS: {silenced[StageName.POSTS]: 1},
        JobKind.THUMBNAILS: {unseen[StageName.THUMBNAILS]: 1},
        JobKind.CLIPS: {silenced[StageName.CLIPS]: 1, unseen[StageName.CLIPS]: 1},
    }
    for kind, skipped in wanted.items():
        assert services.bulk.plan(user, Order(verb=Verb.AGAIN, kind=kind, video_ids=ids)).skipped == skipped, kind
    outcome = services.bulk.run(user, Order(verb=Verb.AGAIN, kind=JobKind.TRANSCRIBE, video_ids=ids))
    assert outcome.done == 2
    assert outcome.answers[silent.video_id] == WITHOUT_SOUND[StageName.TRANSCRIBE]
    kinds = [job.kind for job in services.videos.get(user, talk.video_id).jobs]
    assert kinds == [JobKind.TRANSCRIBE, JobKind.PIPELINE]
    assert [stage.name for stage in services.videos.get(user, talk.video_id).job.stages] == settled[1:]


def test_what_makes_no_sense_is_refused_however_it_is_asked_for(
    services: Services, database: Database, new_user: NewUser
) -> None:
    """Also from the command line, and from a page that was drawn before the file was looked at."""
    user, operations = new_user(), services.operations
    silent = make(database, user, {StageName.PROBE: probed(has_sound=False)})
    sound = make(database, user, {StageName.PROBE: probed(has_picture=False)})
    for one, reasons in ((silent, WITHOUT_SOUND), (sound, WITHOUT_PICTURE)):
        operations.cancel(user, one.job_id)
        for stage, reason in reasons.items():
            kind = JobKind(stage.value)
            with pytest.raises(BadInput, match=reason):
                operations.submit(user, one.video_id, kind)
            (answer,) = operations.submit_many(user, [one.video_id], kind).values()
            assert str(answer) == reason
        assert [job.id for job in services.videos.get(user, one.video_id).jobs] == [one.job_id]
    operations.submit(user, silent.video_id, JobKind.THUMBNAILS)
    operations.submit(user, sound.video_id, JobKind.POSTS)
    not_looked_at = accept(database, user, kind=JobKind.POSTS)
    operations.submit(user, not_looked_at.video_id, JobKind.TRANSCRIBE)


def test_nobody_reaches_the_videos_of_others(services: Services, database: Database, new_user: NewUser) -> None:
    ana, bo, analyst, operator = new_user(), new_user(), new_user(Role.ANALYST), new_user(Role.OPERATOR)
    hers = failed(database, ana)
    order = Order(verb=Verb.RETRY, video_ids=(hers.video_id, uuid4()))
    unseen = {"There is no such video, or it is not yours.": 2}
    assert services.bulk.plan(bo, order).skipped == unseen
    assert services.bulk.run(bo, order).left_out == unseen
    for ask in (services.bulk.plan, services.bulk.run):
        with pytest.raises(NotAllowed):
            ask(analyst, order)
    assert states(services, ana, hers) == [JobState.FAILED]
    assert services.bulk.run(operator, order).done == 1


@pytest.mark.parametrize(
    "order",
    [
        Order(verb=Verb.RETRY, video_ids=tuple(UUID(int=number) for number in range(MOST + 1))),
        Order(verb=Verb.AGAIN, video_ids=()),
        Order(verb=Verb.RETRY, video_ids=(), kind=JobKind.POSTS),
        Order(verb=Verb.AGAIN, video_ids=(), kind=JobKind.PIPELINE),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(services: Services, new_user: NewUser, order: Order) -> None:
    with pytest.raises(BadInput):
        services.bulk.plan(new_user(), order)


def test_nothing_failed_where_all_succeeded(services: Services, database: Database, new_user: NewUser) -> None:
    user = new_user()
    video = make(
        database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: said("words")}, kind=JobKind.TRANSCRIBE
    ).video_id
    with database.transaction() as connection:
        assert (
            connection.execute(text("select state from jobs where video_id = :id"), {"id": video}).scalar()
            == "succeeded"
        )
    assert services.bulk.plan(user, Order(verb=Verb.RETRY, video_ids=(video,))).skipped == {NOTHING_FAILED: 1}


def test_a_job_that_a_newer_one_replaced_is_left_alone(
    services: Services, database: Database, new_user: NewUser
) -> None:
    user = new_user()
    stopped = accept(database, user)
    services.operations.cancel(user, stopped.job_id)
    newer = accept(database, user, kind=JobKind.THUMBNAILS, video_id=stopped.video_id)
    order = Order(verb=Verb.RETRY, video_ids=(stopped.video_id,))
    for one in (StageName.PROBE, StageName.THUMBNAILS):
        (claimed,) = claim(database, lease(), QueueName.MEDIA)
        assert claimed.name is one
        finish(database, [success(claimed)])
    assert states(services, user, stopped, newer) == [JobState.CANCELLED, JobState.SUCCEEDED]
    assert services.bulk.plan(user, order).skipped == {NOTHING_FAILED: 1}
    assert services.bulk.run(user, order).done == 0
    with pytest.raises(IllegalMove, match="newer job"):
        services.operations.retry(user, stopped.job_id)
    assert states(services, user, stopped) == [JobState.CANCELLED]


def test_what_no_newer_job_has_is_tried_again(services: Services, database: Database, new_user: NewUser) -> None:
    user = new_user()
    posts = make(database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: said("words")}, kind=JobKind.POSTS)
    services.operations.cancel(user, posts.job_id)
    services.operations.submit(user, posts.video_id, JobKind.THUMBNAILS)
    services.operations.retry(user, posts.job_id)
    assert states(services, user, posts) == [JobState.RUNNING]
