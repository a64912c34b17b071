"""Each rule of the checker is silent on sound records, and speaks when they are spoilt in the way that it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import redis
from sqlalchemy import text

from services.database import Database, upgrade
from services.model import QueueName, Role, StageName, User
from services.records import jobs, quotas, users
from services.records.stages import Claim, Finish, Outcome
from tests.chaos import rules
from tests.chaos.checker import check, check_redis
from tests.chaos.load import Acknowledged
from tests.chaos.recipe import Recipe
from tests.integration.work import Accepted, accept, claim, finish, lease, success

SPOILT = {
    rules.ALL_ENDED: "update stages set state = 'ready', pending = 0 where name = 'posts'",
    "a job's history is a chain of allowed moves": "insert into events (actor, action, job_id)"
    " select 'x', 'job running', id from jobs where state = 'succeeded'",
    "a job's history ends with its state": "update jobs set state = 'running' where state = 'succeeded'",
    "a job ends once for each time it was begun": "insert into events (actor, action, job_id)"
    " select 'x', 'job succeeded', id from jobs where state = 'succeeded'",
    "a job is accepted once": "delete from events where action = 'job accepted'",
    "a video's history is a chain of allowed moves": "insert into events (actor, action, video_id)"
    " select 'x', 'video processing', id from videos where state = 'repurposed'",
    "a video's history ends with its state": "update videos set state = 'uploaded'",
    "an ended stage is what its newest attempt says": "update attempts set outcome = 'lost'"
    " where outcome = 'succeeded'",
    "claims are outcomes: each raised the token, and so did each taking away": "update stages set token = token + 1",
    "no attempt began before what it builds on was settled": "update attempts set started_at = now() - interval '1 h'",
    "a cancelled attempt left no output and no file": "insert into outputs"
    " (stage_id, token, job_id, video_id, name, data)"
    " select a.stage_id, a.token, s.job_id, s.video_id, s.name, '{}' from attempts a join stages s on s.id = a.stage_id"
    " where a.outcome = 'cancelled'",
    "a cancelled job finished nothing afterwards": "insert into events (actor, action, job_id)"
    " select 'x', 'stage succeeded', id from jobs where state = 'cancelled'",
    rules.ONE_SUCCESS: "insert into attempts"
    " (stage_id, token, number, worker, ready_at, started_at, finished_at, outcome)"
    " select stage_id, token + 9, 2, worker, ready_at, started_at, finished_at, outcome from attempts",
    rules.ACCEPTED_ONCE: "update videos set sha256 = 'the same'",
    rules.UPLOAD_LEDGER: "delete from quota_uses where quota = 'uploads'",
    rules.IDLE_LEDGER: "insert into quota_uses (user_id, quota, at, video_id)"
    " values (1, 'uploads', now(), gen_random_uuid())",
    "a stage fails as poison after two deaths, or when its tries are used up": "update stages set deaths = 1",
    "a poison stage fails as poison, with a reason": "update stages set deaths = 1",
    "a healthy stage never fails by itself": "update attempts set outcome = 'retried' where outcome = 'succeeded'",
    "what failed has a reason for people": "update stages set reason = null where state = 'failed'",
    rules.ACKNOWLEDGED: "update videos set sha256 = id || 'another'",
    rules.FILE_THERE: "update files set size_bytes = 2",
}


class Records:
    """One pipeline that succeeded, one that was poison, one that was cancelled as it ran; each with its source."""

    def __init__(self, url: str, folder: Path) -> None:
        upgrade(url)
        self.database = Database(url)
        self.storage = folder
        self.acknowledged: list[Acknowledged] = []
        with self.database.transaction() as connection:
            user_id = users.create(connection, name="someone", role=Role.CREATOR, password_hash="none")
        assert user_id is not None
        self._user = User(id=user_id, name="someone", role=Role.CREATOR, must_change_password=False)
        self._work(self._accept("plain", 1))
        self._work(self._accept("poison", 2))
        cancelled = self._accept("plain", 3)
        claim(self.database, lease(), QueueName.MEDIA)
        with self.database.transaction() as connection:
            jobs.cancel(connection, cancelled.job_id, actor="user:1", reason="no more")

    def _accept(self, kind: str, number: int) -> Accepted:
        recipe = Recipe(kind=kind, shortest=50, longest=50, number=number)
        accepted = accept(self.database, self._user)
        key, content = f"{accepted.video_id}/source/{uuid4()}", bytes([number])
        path = self.storage / "kept" / key
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        with self.database.transaction() as connection:
            quotas.use_upload(connection, self._user.id, video_id=accepted.video_id)
            connection.execute(
                text("update videos set title = :title, sha256 = :digest where id = :id"),
                {"title": recipe.title, "digest": digest, "id": accepted.video_id},
            )
            connection.execute(
                text("update files set storage_key = :key where video_id = :id"), {"key": key, "id": accepted.video_id}
            )
        self.acknowledged.append(
            Acknowledged(
                video_id=accepted.video_id, job_id=accepted.job_id, recipe=recipe, size=len(content), sha256=digest
            )
        )
        return accepted

    def _work(self, accepted: Accepted) -> None:
        """Run all stages of the one job that is there to be run."""
        poison = self.acknowledged[-1].recipe.kind == "poison"
        idle = 0
        while idle < 2:
            claims: list[Claim] = []
            for queue in QueueName:
                claims += claim(self.database, lease(), queue)
            idle = 0 if claims else idle + 1
            for one in claims:
                dies = poison and one.name is StageName.CLIPS
                died = Finish(stage_id=one.stage_id, token=one.token, outcome=Outcome.LOST, reason="Its process died.")
                finish(self.database, [died if dies else success(one)])


@pytest.fixture(scope="module")
def records(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Records]:
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("create database chaos_rules")
    made = Records(postgres_url.rsplit("/", 1)[0] + "/chaos_rules", tmp_path_factory.mktemp("storage"))
    yield made
    made.database.close()


def test_sound_records_break_no_rule(records: Records) -> None:
    with records.database.transaction() as connection:
        assert check(connection, records.storage, records.acknowledged, []) == {}
        states = set(connection.execute(text("select state from jobs")).scalars())
    assert states == {"succeeded", "failed", "cancelled"}


def test_every_rule_is_spoilt_once() -> None:
    assert not rules.RULES.keys() - SPOILT.keys()


@pytest.mark.parametrize(("rule", "spoil"), SPOILT.items(), ids=list(SPOILT))
def test_spoilt_records_break_the_rule(records: Records, rule: str, spoil: str) -> None:
    with records.database.engine.connect() as connection:
        connection.execute(text("set local session_replication_role = replica"))  # no guard stands in the way
        connection.execute(text(spoil))
        assert check(connection, records.storage, records.acknowledged, []).get(rule)
        connection.rollback()


def test_a_job_that_was_acknowledged_and_is_not_there_is_missed(records: Records) -> None:
    with records.database.transaction() as connection:
        assert check(connection, records.storage, records.acknowledged, [uuid4()]).keys() == {rules.ACKNOWLEDGED}


def test_a_file_that_nothing_explains_is_seen(records: Records) -> None:
    stray = records.storage / "kept" / str(records.acknowledged[0].video_id) / "1-1" / "made"
    stray.parent.mkdir()
    stray.write_bytes(b"x")
    with records.database.transaction() as connection:
        found = check(connection, records.storage, records.acknowledged, [])
    stray.unlink()
    assert found.keys() == {rules.NO_STRAY_FILE}


def test_what_waits_on_redis_unknown_to_postgres_is_seen(records: Records, valkey_url: str) -> None:
    client = redis.Redis.from_url(valkey_url.rsplit("/", 1)[0] + "/7")
    with records.database.transaction() as connection:
        client.rpush("rq:queue:media", "wake-media")
        assert check_redis(connection, client) == {}
        client.rpush("rq:queue:media", "somebody else's")
        client.set(f"backlot:session:{uuid4()}", 1)
        assert len(check_redis(connection, client)[rules.NOTHING_ON_REDIS]) == 2
    client.flushdb()
    client.close()
