"""The database refuses each illegal move by itself, whoever asks."""

from __future__ import annotations

import itertools
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from services.bootstrap import Services
from services.database import Database
from services.errors import IllegalMove
from services.model import JobState, StageState, VideoState
from tests.integration.conftest import NewUser
from tests.integration.work import accept

LEGAL_STAGE_MOVES = {
    ("waiting", "ready"),
    ("waiting", "skipped"),
    ("waiting", "cancelled"),
    ("ready", "running"),
    ("ready", "cancelled"),
    ("running", "ready"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("failed", "ready"),
    ("failed", "waiting"),
    ("cancelled", "ready"),
    ("cancelled", "waiting"),
}
LEGAL_JOB_MOVES = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("failed", "running"),
    ("cancelled", "queued"),
    ("cancelled", "running"),
}


@pytest.fixture
def job_id(services: Services, new_user: NewUser) -> UUID:
    return accept(services.database, new_user()).job_id


def place(connection: Connection, table: str, row_id: object, state: str) -> None:
    """Put a row into a state past the guards."""
    connection.execute(text("set local session_replication_role = replica"))
    extra = ""
    if table == "stages":
        pending = 1 if state == "waiting" else 0
        lease = "gen_random_uuid()" if state == "running" else "null"
        extra = f", pending = {pending}, lease_id = {lease}, token = 5, reason = 'placed'"
    connection.execute(text(f"update {table} set state = :state{extra} where id = :id"), {"state": state, "id": row_id})
    connection.execute(text("set local session_replication_role = origin"))


def move_stage(connection: Connection, stage_id: int, to: str) -> None:
    """Move with everything else as the move would have it, so that only the move itself can be refused."""
    retry = connection.execute(
        text("insert into events (actor, action) values ('test', 'job retried') returning id")
    ).scalar_one()
    connection.execute(
        text(
            "update stages set state = :to,"
            " token = token + case when :to in ('running', 'cancelled') then 1 else 0 end,"
            " pending = case :to when 'waiting' then 1 else 0 end,"
            " lease_id = case :to when 'running' then gen_random_uuid() end, retry_event_id = :retry where id = :id"
        ),
        {"to": to, "id": stage_id, "retry": retry},
    )


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations([state.value for state in StageState], 2)))
def test_every_stage_move(database: Database, job_id: UUID, before: str, after: str) -> None:
    with database.engine.connect() as connection:
        stage_id = connection.execute(
            text("select min(id) from stages where job_id = :id"), {"id": job_id}
        ).scalar_one()
        place(connection, "stages", stage_id, before)
        if (before, after) in LEGAL_STAGE_MOVES:
            move_stage(connection, stage_id, after)
        else:
            with pytest.raises(DBAPIError, match=r"illegal move|is refused"):
                move_stage(connection, stage_id, after)
        connection.rollback()


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations([state.value for state in JobState], 2)))
def test_every_job_move(database: Database, job_id: UUID, before: str, after: str) -> None:
    with database.engine.connect() as connection:
        place(connection, "jobs", job_id, before)
        change = text("update jobs set state = :after where id = :id")
        if (before, after) in LEGAL_JOB_MOVES:
            connection.execute(change, {"after": after, "id": job_id})
        else:
            with pytest.raises(DBAPIError, match="illegal move"):
                connection.execute(change, {"after": after, "id": job_id})
        connection.rollback()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(("repurposed", state.value) for state in VideoState if state is not VideoState.REPURPOSED),
        ("analyzed", "processing"),
        ("analyzed", "uploaded"),
        ("processing", "uploaded"),
        ("failed", "uploaded"),
    ],
)
def test_a_video_never_moves_back(database: Database, job_id: UUID, before: str, after: str) -> None:
    with database.engine.connect() as connection:
        video_id = connection.execute(text("select video_id from jobs where id = :id"), {"id": job_id}).scalar_one()
        place(connection, "videos", video_id, before)
        with pytest.raises(DBAPIError, match="illegal move"):
            connection.execute(
                text("update videos set state = :after where id = :id"), {"after": after, "id": video_id}
            )
        connection.rollback()


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ("running", "token = token + 1, lease_id = gen_random_uuid()"),  # stealing what runs
        ("running", "token = token - 1"),
        ("running", "state = 'succeeded', token = token + 1, lease_id = null"),  # finishing under another token
        ("running", "state = 'cancelled', lease_id = null"),  # cancelling without raising the fence
        ("ready", "state = 'running', lease_id = gen_random_uuid()"),  # claiming without raising the fence
        ("ready", "state = 'running', token = token + 1"),  # claiming without a lease
        ("waiting", "state = 'ready'"),  # ready before its turn
        ("failed", "state = 'ready', pending = 0"),  # a retry that is not on record
        ("failed", "state = 'ready', pending = 0, retry_event_id = 9223372036854775807"),  # a record that is not there
        ("succeeded", "reason = 'changed afterwards'"),
        ("skipped", "reason = 'changed afterwards'"),
        ("waiting", "state = 'skipped', reason = null"),
    ],
)
def test_moves_keep_the_fence(database: Database, job_id: UUID, before: str, change: str) -> None:
    with database.engine.connect() as connection:
        stage_id = connection.execute(
            text("select min(id) from stages where job_id = :id"), {"id": job_id}
        ).scalar_one()
        place(connection, "stages", stage_id, before)
        with pytest.raises(DBAPIError):
            connection.execute(text(f"update stages set {change} where id = :id"), {"id": stage_id})
        connection.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "update events set reason = 'rewritten'",
        "delete from events",
        "truncate events cascade",
        "update outputs set data = '{}'",
        "delete from outputs",
    ],
)
def test_history_and_outputs_are_kept(services: Services, new_user: NewUser, statement: str) -> None:
    accepted = accept(services.database, new_user())
    with services.database.engine.connect() as connection:
        stage_id = connection.execute(
            text("select min(id) from stages where job_id = :id"), {"id": accepted.job_id}
        ).scalar_one()
        place(connection, "stages", stage_id, "succeeded")
        connection.execute(
            text(
                "insert into outputs (stage_id, token, job_id, video_id, name, data)"
                " select id, token, job_id, video_id, name, '{}' from stages where id = :id"
            ),
            {"id": stage_id},
        )
        with pytest.raises(DBAPIError, match="is refused"):
            connection.execute(text(statement))
        connection.rollback()


@pytest.mark.parametrize(("state", "token"), [("running", 5), ("succeeded", 4), ("failed", 5), ("cancelled", 5)])
def test_an_output_needs_its_success(database: Database, job_id: UUID, state: str, token: int) -> None:
    with database.engine.connect() as connection:
        stage_id = connection.execute(
            text("select min(id) from stages where job_id = :id"), {"id": job_id}
        ).scalar_one()
        place(connection, "stages", stage_id, state)
        with pytest.raises(DBAPIError, match="without its success"):
            connection.execute(
                text(
                    "insert into outputs (stage_id, token, job_id, video_id, name, data)"
                    " select id, :token, job_id, video_id, name, '{}' from stages where id = :id"
                ),
                {"id": stage_id, "token": token},
            )
        connection.rollback()


def test_a_refused_move_is_an_illegal_move(database: Database, job_id: UUID) -> None:
    with pytest.raises(IllegalMove), database.transaction() as connection:
        connection.execute(text("update jobs set state = 'succeeded' where id = :id"), {"id": job_id})


def test_a_job_needs_its_video(database: Database) -> None:
    with pytest.raises(DBAPIError), database.engine.begin() as connection:
        connection.execute(
            text(
                "insert into jobs (id, video_id, user_id, kind, priority, starts_at)"
                " values (:id, :id, 1, 'pipeline', 0, now())"
            ),
            {"id": uuid4()},
        )
