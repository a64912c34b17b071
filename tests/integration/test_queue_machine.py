"""The queue as a whole, driven in any order and from several connections at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from services.database import Database
from services.model import JobKind, QueueName, Role, StageName, User
from services.records import jobs, stages, users
from services.records.stages import Claim, Finish, Lease, Outcome
from tests.integration.work import accept, claim, clear_work, finish, lapse, lease, success
from tests.invariants import violations

WORKERS = 3
USERS = 2
CAP = 2
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # no shrinking: moves at once do not repeat exactly
EXAMPLES = int(os.environ.get("BACKLOT_MACHINE_EXAMPLES", "25"))
QUEUES = st.sampled_from(list(QueueName))
WORKER = st.integers(0, WORKERS - 1)
USER = st.integers(0, USERS - 1)
OUTCOMES = st.sampled_from(list(Outcome))
PICK = st.integers(0, 1_000_000)
Move = Callable[[], object]


class QueueMachine(RuleBasedStateMachine):
    """Keeps every claim ever made, so that late, repeated and stale finishes happen as well as timely ones."""

    database: ClassVar[Database]
    users: ClassVar[list[User]]

    def __init__(self) -> None:
        super().__init__()
        clear_work(self.database)
        self.leases: list[Lease] = [lease(f"worker-{number}") for number in range(WORKERS)]
        self.claims: list[tuple[int, Claim]] = []
        self.jobs: list[UUID] = []
        self.videos: list[UUID] = []

    @initialize(user=USER)
    def begin(self, user: int) -> None:
        self._accept(user, JobKind.PIPELINE, None)()

    @rule(user=USER, kind=st.sampled_from(list(JobKind)), again=st.booleans())
    def accept(self, user: int, kind: JobKind, again: bool) -> None:
        self._accept(user, kind, self.videos[-1] if again else None)()

    @rule(worker=WORKER, queue=QUEUES, limit=st.integers(1, 3))
    def claim(self, worker: int, queue: QueueName, limit: int) -> None:
        self._claim(worker, queue, limit)()

    @rule(pick=PICK, outcome=OUTCOMES, skip=st.booleans())
    def finish(self, pick: int, outcome: Outcome, skip: bool) -> None:
        if self.claims:
            worker, claimed = self._picked_claim(pick)
            before = self._stage(claimed.stage_id)
            fits = before.state == "running" and before.token == claimed.token
            recorded = self._finish(worker, claimed, outcome, skip)()
            after = self._stage(claimed.stage_id)
            if fits:
                assert recorded.stage_ids == {claimed.stage_id}
                assert after.state != "running"
            else:
                assert (after.state, after.token) == (before.state, before.token)

    @rule(worker=WORKER)
    def beat(self, worker: int) -> None:
        held = {claimed.stage_id: claimed.token for holder, claimed in self.claims if holder == worker}
        with self.database.statement() as connection:
            beat = stages.beat(connection, self.leases[worker], seconds=60, progress={}, held=held)
        mine = {stage_id for stage_id, token in held.items() if self._runs(stage_id, token)}
        if beat is None:
            self.leases[worker] = lease(f"worker-{worker}")
        else:
            assert beat.lost == set(held) - mine
            assert beat.unknown == ()

    @rule(worker=WORKER)
    def lapse(self, worker: int) -> None:
        lapse(self.database, self.leases[worker])

    @rule()
    def sweep(self) -> None:
        self._sweep()

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        self._cancel(self.jobs[pick % len(self.jobs)])()

    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        self._retry(self.jobs[pick % len(self.jobs)])()

    @rule(pick=PICK, outcome=OUTCOMES, choices=st.lists(PICK, min_size=2, max_size=4))
    def at_once(self, pick: int, outcome: Outcome, choices: list[int]) -> None:
        """Two to four moves on connections of their own at the same moment."""
        job = self.jobs[pick % len(self.jobs)]
        moves: list[Move] = [self._cancel(job), self._retry(job), self._sweep]
        moves += [self._claim(worker, queue, 2) for worker in range(2) for queue in QueueName]
        if self.claims:
            worker, claimed = self._picked_claim(pick)
            moves += [self._finish(worker, claimed, outcome, False) for _ in range(2)]
            moves.append(lambda: lapse(self.database, self.leases[worker]))
        chosen = [moves[choice % len(moves)] for choice in choices]
        with ThreadPoolExecutor(len(chosen)) as pool:
            for done in [pool.submit(move) for move in chosen]:
                done.result()

    @invariant()
    def records_are_exact(self) -> None:
        with self.database.transaction() as connection:
            assert violations(connection) == {}
            over_cap = connection.execute(
                text(
                    "select count(*) from (select user_id, queue from stages where state = 'running'"
                    " group by 1, 2 having count(*) > :cap) t"
                ),
                {"cap": CAP},
            ).scalar_one()
        assert over_cap == 0

    def _picked_claim(self, pick: int) -> tuple[int, Claim]:
        """The newest claims more often than old ones."""
        recent = self.claims[-5:] if pick % 2 else self.claims
        return recent[pick // 2 % len(recent)]

    def _accept(self, user: int, kind: JobKind, video_id: UUID | None) -> Move:
        def move() -> None:
            accepted = accept(self.database, self.users[user], kind=kind, video_id=video_id)
            self.jobs.append(accepted.job_id)
            self.videos.append(accepted.video_id)

        return move

    def _claim(self, worker: int, queue: QueueName, limit: int) -> Move:
        def move() -> None:
            claims = claim(self.database, self.leases[worker], queue, limit=limit, cap=CAP)
            assert len(claims) <= limit
            self.claims += [(worker, claimed) for claimed in claims]

        return move

    def _finish(self, worker: int, claimed: Claim, outcome: Outcome, skip: bool) -> Callable[[], stages.Recorded]:
        skips = {StageName.CLIPS: "no picture"} if skip and claimed.name is StageName.PROBE else {}
        made = (
            success(claimed, skips=skips)
            if outcome is Outcome.SUCCEEDED
            else Finish(stage_id=claimed.stage_id, token=claimed.token, outcome=outcome, reason="as drawn")
        )
        return lambda: finish(self.database, [made], worker=f"worker-{worker}")

    def _sweep(self) -> None:
        with self.database.statement() as connection:
            stages.sweep(connection)

    def _cancel(self, job_id: UUID) -> Move:
        def move() -> None:
            with self.database.transaction() as connection:
                jobs.cancel(connection, job_id, actor="test", reason="as drawn")

        return move

    def _retry(self, job_id: UUID) -> Move:
        def move() -> None:
            with self.database.transaction() as connection:
                jobs.retry(connection, job_id, actor="test", reason="as drawn")

        return move

    def _stage(self, stage_id: int) -> Any:
        with self.database.statement() as connection:
            return connection.execute(text("select state, token from stages where id = :id"), {"id": stage_id}).one()

    def _runs(self, stage_id: int, token: int) -> bool:
        stage = self._stage(stage_id)
        return bool(stage.state == "running" and stage.token == token)


@pytest.mark.timeout(600)
def test_the_queue_keeps_its_records_exact(database: Database) -> None:
    QueueMachine.database = database
    QueueMachine.users = []
    with database.transaction() as connection:
        for number in range(USERS):
            name = f"machine-{number}"
            users.create(connection, name=name, role=Role.CREATOR, password_hash="none")
            record = users.find_by_name(connection, name)
            assert record is not None
            QueueMachine.users.append(record.user)
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
