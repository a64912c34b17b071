"""The hold on what a worker runs: it ends in time also when Postgres hangs, and is kept per attempt."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from jobs.lease_keeper import LeaseKeeper, key_of
from jobs.recording import record
from services.database import Database
from services.errors import Unavailable
from services.model import QueueName
from services.records import jobs, stages
from services.records.stages import Claim, Finish, Outcome
from tests.integration.conftest import NewUser
from tests.integration.fleet import eventually
from tests.integration.work import accept, clear_work, finish


@pytest.fixture
def lost() -> list[Claim]:
    return []


@pytest.fixture
def keeper(database: Database, lost: list[Claim]) -> Iterator[LeaseKeeper]:
    clear_work(database)
    keeper = LeaseKeeper(
        database,
        QueueName.MEDIA,
        worker="kept",
        lease_seconds=5.0,
        beat_seconds=0.2,
        on_lost=lost.append,
        tell=lambda told: None,
    )
    yield keeper
    for claimed in keeper.held():
        keeper.let_go(key_of(claimed))
    time.sleep(1.0)  # a beat under way ends before its connections go


def test_work_is_lost_before_the_lease_ends_also_while_a_beat_hangs(
    database: Database, new_user: NewUser, keeper: LeaseKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(database, new_user())
    (claimed,) = keeper.claim(limit=1, cap=1)
    monkeypatch.setattr(stages, "beat", lambda *_, **__: time.sleep(2.8))
    assert not keeper.is_lost(key_of(claimed))
    time.sleep(2.3)
    assert keeper.is_lost(key_of(claimed))
    time.sleep(1.0)
    assert keeper.is_lost(key_of(claimed))  # for good, also once the beat has come through


def test_what_was_lost_to_a_hang_is_handed_back_and_costs_nothing(
    database: Database, new_user: NewUser, keeper: LeaseKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(database, new_user())
    (claimed,) = keeper.claim(limit=1, cap=1)
    real = stages.beat

    def hang(*words: object, **names: object) -> object:
        time.sleep(2.8)
        return real(*words, **names)  # type: ignore[arg-type]

    monkeypatch.setattr(stages, "beat", hang)
    eventually(lambda: keeper.is_lost(key_of(claimed)), 3)
    keeper.let_go(key_of(claimed))
    monkeypatch.undo()
    eventually(lambda: stage_row(database, claimed) == ("ready", 0, 0), 8, "its return")


def test_a_claim_whose_answer_is_lost_is_handed_back(
    database: Database, new_user: NewUser, keeper: LeaseKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(database, new_user())
    accept(database, new_user())
    (kept,) = keeper.claim(limit=1, cap=1)
    claimed = []

    def cut(*words: object, **names: object) -> tuple[Claim, ...]:
        claimed.extend(real(*words, **names))  # type: ignore[arg-type]
        raise Unavailable("the connection broke after the commit")

    real = stages.claim_many
    monkeypatch.setattr(stages, "claim_many", cut)
    with pytest.raises(Unavailable):
        keeper.claim(limit=1, cap=1)
    monkeypatch.undo()
    assert stage_row(database, claimed[0])[0] == "running"
    eventually(lambda: stage_row(database, claimed[0]) == ("ready", 0, 0), 9, "its return")
    assert stage_row(database, kept)[0] == "running"


def test_words_that_cannot_be_kept_do_not_cost_the_lease(
    database: Database, new_user: NewUser, keeper: LeaseKeeper
) -> None:
    accept(database, new_user())
    (claimed,) = keeper.claim(limit=1, cap=1)
    keeper.say(key_of(claimed), float("nan"), "half\x00\ud800")
    time.sleep(2.5)
    assert not keeper.is_lost(key_of(claimed))


def stage_row(database: Database, claimed: Claim) -> tuple[str, int, int]:
    """State, tries and deaths."""
    with database.statement() as connection:
        row = connection.execute(
            text("select state, tries, deaths from stages where id = :id"), {"id": claimed.stage_id}
        ).one()
    return row.state, row.tries, row.deaths


def test_a_hold_belongs_to_one_attempt(
    database: Database, new_user: NewUser, keeper: LeaseKeeper, lost: list[Claim]
) -> None:
    job_id = accept(database, new_user()).job_id
    (first,) = keeper.claim(limit=1, cap=1)
    with database.transaction() as connection:
        jobs.cancel(connection, job_id, actor="test", reason="stop")
        jobs.retry(connection, job_id, actor="test", reason="again")
    (second,) = keeper.claim(limit=1, cap=1)
    assert second.stage_id == first.stage_id
    assert lost == [first]
    time.sleep(0.6)
    assert lost == [first]
    keeper.let_go(key_of(first))
    assert keeper.is_lost(key_of(first))
    assert not keeper.is_lost(key_of(second))


def test_what_cannot_be_recorded_holds_up_no_other(database: Database, new_user: NewUser, keeper: LeaseKeeper) -> None:
    for _ in range(3):
        accept(database, new_user())
    good, bad, dirty = keeper.claim(limit=3, cap=1)
    nan = float("nan")
    finishes = [
        Finish(stage_id=good.stage_id, token=good.token, outcome=Outcome.SUCCEEDED, data={}),
        Finish(
            stage_id=bad.stage_id,
            token=bad.token,
            outcome=Outcome.SUCCEEDED,
            data={},
            files=[{"role": None, "position": 0, "storage_key": "k", "media_type": "m", "size_bytes": 1}],
        ),
        Finish(
            stage_id=dirty.stage_id,
            token=dirty.token,
            outcome=Outcome.SUCCEEDED,
            data={"a\x00": nan, "b": "\x00x", "c": "\ud800"},
        ),
    ]
    recorded = record(database, "w", finishes)
    assert recorded.stage_ids >= {good.stage_id, dirty.stage_id}
    with database.transaction() as connection:
        states = {row.id: row for row in jobs.stages(connection, [good.job_id, bad.job_id, dirty.job_id])}
    assert states[good.stage_id].state == "succeeded"
    assert states[dirty.stage_id].state == "succeeded"
    assert states[bad.stage_id].state == "failed"
    assert "could not be recorded" in (states[bad.stage_id].reason or "")
    assert finish(database, finishes[:1]).stage_ids == {good.stage_id}
