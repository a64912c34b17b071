"""Whose stage is claimed next: priority first, then users in turn, each within a cap, on each queue by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import pytest

from services.database import Database
from services.model import JobKind, Priority, QueueName, StageName, User
from services.records.stages import Claim
from tests.integration.conftest import NewUser
from tests.integration.work import accept, claim, clear_work, finish, lease, success


class Line:
    """The waiting work of some users, and who was served so far."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner: dict[object, User] = {}
        self.held = lease()

    def put(self, user: User, count: int, *, priority: Priority = Priority.NORMAL) -> None:
        for _ in range(count):
            job_id = accept(self._database, user, kind=JobKind.TRANSCRIBE, priority=priority).job_id
            self._owner[job_id] = user

    def take(self, limit: int, *, queue: QueueName = QueueName.MEDIA, cap: int = 1000) -> tuple[Claim, ...]:
        return claim(self._database, self.held, queue, limit=limit, cap=cap)

    def served(self, claims: Iterable[Claim]) -> Counter[str]:
        return Counter(self._owner[claimed.job_id].name for claimed in claims)


@pytest.fixture
def line(database: Database) -> Iterator[Line]:
    clear_work(database)
    yield Line(database)
    clear_work(database)


def spread(counts: Mapping[str, int], users: Iterable[User]) -> int:
    """How much further the best served of the users is than the worst served."""
    served = [counts.get(user.name, 0) for user in users]
    return max(served, default=0) - min(served, default=0)


@pytest.mark.parametrize("batch", [1, 4, 7])
def test_users_share_evenly_across_batches(line: Line, new_user: NewUser, batch: int) -> None:
    counts = {new_user(): 60, new_user(): 20, new_user(): 6}
    for user, count in counts.items():
        line.put(user, count)
    served: Counter[str] = Counter()
    while sum(served.values()) < 86:
        served += line.served(line.take(batch))
        waiting = [user for user, count in counts.items() if served[user.name] < count]
        assert spread(served, waiting) <= 1
    assert served == {user.name: count for user, count in counts.items()}


def test_who_comes_late_or_comes_back_has_saved_up_nothing(line: Line, new_user: NewUser) -> None:
    early, late = new_user(), new_user()
    line.put(late, 1)
    line.take(1)
    line.put(early, 60)
    line.take(30)
    line.put(late, 30)
    counts: Counter[str] = Counter()
    for _ in range(10):
        counts += line.served(line.take(2))
        assert spread(counts, (early, late)) <= 1


def test_each_queue_has_turns_of_its_own(database: Database, line: Line, new_user: NewUser) -> None:
    heavy, light = new_user(), new_user()
    for user in (heavy, light):
        for _ in range(4):  # eight transcripts, made in turn, so that both have four analyses ready
            accept(database, user, kind=JobKind.ANALYZE)
    for _ in (StageName.PROBE, StageName.TRANSCRIBE):
        finish(database, [success(claimed) for claimed in line.take(8)])
    line.put(heavy, 30)
    assert len(line.take(30)) == 30
    owners = Counter(_owner(database, claimed) for claimed in line.take(4, queue=QueueName.AI))
    assert owners == {heavy.id: 2, light.id: 2}


def test_priority_goes_before_turn(line: Line, new_user: NewUser) -> None:
    served_much, fresh = new_user(), new_user()
    line.put(served_much, 20)
    line.take(20)
    line.put(fresh, 3, priority=Priority.BULK)
    line.put(fresh, 3)
    line.put(served_much, 3, priority=Priority.INTERACTIVE)
    line.put(served_much, 3, priority=Priority.BULK)
    assert line.served(line.take(3)) == {served_much.name: 3}
    assert line.served(line.take(3)) == {fresh.name: 3}
    assert line.served(line.take(4)) == {served_much.name: 2, fresh.name: 2}


def test_who_is_at_the_cap_waits_for_their_own(database: Database, line: Line, new_user: NewUser) -> None:
    heavy, light = new_user(), new_user()
    line.put(heavy, 10)
    line.put(light, 2)
    first = line.take(8, cap=3)
    assert line.served(first) == {heavy.name: 3, light.name: 2}
    assert not any(claimed.more for claimed in first)  # what waits could not be claimed now
    assert line.take(8, cap=3) == ()
    ended = next(claimed for claimed in first if line.served([claimed])[heavy.name])
    finish(database, [success(ended)])
    assert line.served(line.take(8, cap=3)) == {heavy.name: 1}
    line.put(light, 1)
    assert line.served(line.take(8, cap=3)) == {light.name: 1}


def _owner(database: Database, claimed: Claim) -> int:
    with database.statement() as connection:
        return int(
            connection.exec_driver_sql("select user_id from stages where id = %s", (claimed.stage_id,)).scalar_one()
        )
