"""Says what is wrong when a run is over, from Postgres and storage alone (and Redis, for what waits there)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import redis
from sqlalchemy import Connection, text

from services.model import QueueName
from services.records import videos as video_records
from tests.chaos import rules
from tests.chaos.load import Acknowledged
from tests.chaos.recipe import NONCE, content_of, recipe_of
from tests.invariants import rows, violations

SHOWN = 5  # rows of each rule

Broken = dict[str, list[str]]  # rule -> the rows that break it


def check(connection: Connection, storage: Path, acknowledged: Sequence[Acknowledged], asked: Sequence[UUID]) -> Broken:
    """Every rule that does not hold. asked are jobs that were acknowledged beside the uploads."""
    broken: Broken = {}
    for rule in violations(connection):
        broken[rule] = rows(connection, rule, limit=SHOWN)
    for rule, query in rules.RULES.items():
        broken[rule] = [str(row._asdict()) for row in connection.execute(text(query))]
    kept = storage / "kept"
    broken[rules.ACKNOWLEDGED] = list(_missing(connection, kept, acknowledged, asked))
    broken[rules.FILE_THERE], broken[rules.FILE_OF_WINNER] = _check_files(connection, kept)
    broken[rules.NO_STRAY_FILE] = list(_strays(connection, kept))
    return {rule: found for rule, found in broken.items() if found}


def check_redis(connection: Connection, client: redis.Redis) -> Broken:
    """What Redis holds must be known to Postgres: wakes name nothing, sessions live."""
    left: list[str] = []
    for queue in QueueName:
        waiting = client.lrange(f"rq:queue:{queue}", 0, -1)
        left += [f"{queue}: {one!r}" for one in waiting if one != f"wake-{queue}".encode()]
    left += [repr(key) for key in client.scan_iter("rq:job:*") if not key.startswith(b"rq:job:wake-")]
    live = {
        str(row.id)
        for row in connection.execute(text("select id from sessions where revoked_at is null and expires_at > now()"))
    }
    left += [repr(key) for key in client.scan_iter("backlot:session:*") if key.decode().rsplit(":", 1)[1] not in live]
    return {rules.NOTHING_ON_REDIS: left} if left else {}


def _missing(
    connection: Connection, kept: Path, acknowledged: Sequence[Acknowledged], asked: Sequence[UUID]
) -> Iterator[str]:
    """Acknowledged uploads and jobs that are not there as they were promised."""
    there = {
        row.id: row
        for row in connection.execute(
            text(
                "select j.id, j.video_id, v.title, v.sha256, v.size_bytes, f.storage_key from jobs j"
                " join videos v on v.id = j.video_id left join files f on f.video_id = v.id and f.role = 'source'"
            )
        )
    }
    for one in acknowledged:
        row = there.get(one.job_id)
        if row is None or row.video_id != one.video_id:
            yield f"{one.recipe.title}: no job {one.job_id} on a video {one.video_id}"
        elif (row.sha256, row.size_bytes, row.title) != (one.sha256, one.size, one.recipe.title):
            yield f"{one.recipe.title}: recorded as {row._asdict()}"
        elif row.storage_key is None or _digest(kept / row.storage_key) != one.sha256:
            yield f"{one.recipe.title}: its file is not what was sent: {row.storage_key}"
    for job_id in asked:
        if job_id not in there:
            yield f"no job {job_id}, which was acknowledged"


def _check_files(connection: Connection, kept: Path) -> tuple[list[str], list[str]]:
    """Files that are missing or cut, and files of another attempt than the one that won."""
    missing: list[str] = []
    foreign: list[str] = []
    for row in connection.execute(
        text(
            "select f.video_id, f.stage_id, f.token, f.storage_key, f.size_bytes, v.title, o.data::text as data"
            " from files f join videos v on v.id = f.video_id left join outputs o on o.stage_id = f.stage_id"
        )
    ):
        path = kept / row.storage_key
        if not path.is_file() or path.stat().st_size != row.size_bytes:
            missing.append(f"{row.storage_key} of {row.title}")
        elif row.stage_id is not None:
            if not row.storage_key.startswith(f"{row.video_id}/{row.stage_id}-{row.token}/"):
                foreign.append(f"{row.storage_key} is not of attempt {row.stage_id}-{row.token}")
            if recipe_of(row.title).is_virtual:
                nonces = set(NONCE.findall(row.data or ""))
                if len(nonces) != 1 or path.read_bytes() != content_of(nonces.pop()):
                    foreign.append(f"{row.storage_key} does not hold what the output of {row.title} names")
    return missing, foreign


def _strays(connection: Connection, kept: Path) -> Iterator[str]:
    """Files without a row that no failed, lost, cancelled or released attempt, and no refused accept, explains."""
    on_disk = [str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()]
    known = video_records.known_storage_keys(connection, on_disk)
    unsuccessful = {
        f"{row.stage_id}-{row.token}"
        for row in connection.execute(
            text("select stage_id, token from attempts where outcome is distinct from 'succeeded'")
        )
    }
    accepted = {str(row.id) for row in connection.execute(text("select id from videos"))}
    for key in on_disk:
        video_id, folder, _ = key.split("/", 2)
        explained = folder in unsuccessful or (folder == "source" and video_id not in accepted)
        if key not in known and not explained:
            yield key


def _digest(path: Path) -> str:
    if not path.is_file():
        return "no file"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
