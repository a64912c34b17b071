"""The hold on what a worker runs: it ends in time also when Postgres hangs, and is kept per attempt."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from jobs.lease_keeper import LeaseKeeper, key_of
from jobs.recording import record
from services.database import Database
from services.model import QueueName
from services.records import jobs, stages
from services.records.stages import Claim, Finish, Outcome
from tests.integration.conftest import NewUser
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
