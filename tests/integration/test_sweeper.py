"""The sweeper goes on after a fault, and rests when nothing is left."""

from __future__ import annotations

import time

import pytest

from services.bootstrap import Services
from services.database import Database
from services.errors import Unavailable
from services.model import QueueName
from services.records import stages
from services.records.stages import Finish, Outcome, Swept
from services.sweeper import Sweeper
from tests.integration.conftest import NewUser
from tests.integration.fleet import eventually
from tests.integration.work import accept, claim, clear_work, finish, lapse, lease, success


def test_a_failed_sweep_does_not_end_the_sweeping(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    clear_work(services.database)
    sweeper = Sweeper(services.database, services.queue, services.storage, seconds=0.1)
    calls = []

    def sweep() -> Swept | None:
        calls.append(time.monotonic())
        if len(calls) < 3:
            raise Unavailable("down")
        return Swept(ready_queues=(), due_in=None, running=0, taken_back=0)

    monkeypatch.setattr(sweeper, "sweep", sweep)
    sweeper.arm()
    time.sleep(1.0)
    assert len(calls) == 3  # twice failed, once done; then it rests
    sweeper.arm()
    time.sleep(0.3)
    assert len(calls) == 4
    sweeper.stop()


def test_a_lapsed_lease_is_taken_back_and_rung_for(services: Services, database: Database, new_user: NewUser) -> None:
    clear_work(database)
    accept(database, new_user())
    held = lease()
    (claimed,) = claim(database, held, QueueName.MEDIA)
    swept = services.sweeper.sweep()
    assert swept is not None
    assert (swept.taken_back, swept.running, swept.ready_queues) == (0, 1, ())
    lapse(database, held)
    swept = services.sweeper.sweep()
    assert swept is not None
    assert (swept.taken_back, swept.running, swept.ready_queues) == (1, 0, (QueueName.MEDIA,))
    (again,) = claim(database, lease(), QueueName.MEDIA)
    assert again.token > claimed.token
    with database.statement() as connection:
        assert stages.beat(connection, held, seconds=1, progress={}, held={claimed.stage_id: claimed.token}) is None


def test_a_retry_is_rung_for_when_it_falls_due(services: Services, database: Database, new_user: NewUser) -> None:
    """Also when the sweeper pauses, and did not know of it."""
    clear_work(database)
    sweeper = Sweeper(database, services.queue, services.storage, seconds=30.0)
    accept(database, new_user())
    held = lease()
    (claimed,) = claim(database, held, QueueName.MEDIA)
    swept: list[float] = []
    sweep = sweeper.sweep
    sweeper.sweep = lambda: (swept.append(time.monotonic()), sweep())[1]  # type: ignore[method-assign]
    sweeper.arm()
    eventually(lambda: len(swept) == 1, 5)
    failed = Finish(stage_id=claimed.stage_id, token=claimed.token, outcome=Outcome.RETRIED, reason="busy", delay=0.8)
    finish(database, [failed])
    sweeper.arm(within=0.8)
    eventually(lambda: len(swept) >= 2, 3, "the sweep for the retry")
    assert swept[1] - swept[0] >= 0.7
    sweeper.stop()


def test_a_repeated_call_rings_for_what_the_first_made_ready(database: Database, new_user: NewUser) -> None:
    clear_work(database)
    accept(database, new_user())
    (claimed,) = claim(database, lease(), QueueName.MEDIA)
    first = finish(database, [success(claimed)])
    again = finish(database, [success(claimed)])  # the answer of the first was lost
    assert first.ready_queues == again.ready_queues == (QueueName.MEDIA,)
