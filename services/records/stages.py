"""The queue's records: claim, beat, finish, sweep, and what a stage needs to run."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from services.model import QueueName, StageName


@dataclass(frozen=True, kw_only=True)
class Lease:
    """One worker process's hold on what it runs. A new id after every lapse."""

    id: UUID
    worker: str
    host: str
    pid: int


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One attempt of one stage; token is its fence, more says that others could be claimed now."""

    stage_id: int
    token: int
    attempt: int
    max_attempts: int
    job_id: UUID
    video_id: UUID
    name: StageName
    more: bool


class Outcome(enum.StrEnum):
    SUCCEEDED = "succeeded"
    RETRIED = "retried"  # failed in a way that may pass; again after delay
    FAILED = "failed"
    LOST = "lost"  # its process died; the second time the stage is poison
    RELEASED = "released"  # not the stage's fault: it costs no try


@dataclass(frozen=True, kw_only=True)
class Finish:
    """What became of one attempt. data, files, calls and skips belong to a success; delay, in seconds, to a retry."""

    stage_id: int
    token: int
    outcome: Outcome
    reason: str | None = None
    error: str | None = None
    delay: float = 0.0
    data: Mapping[str, object] | None = None
    files: Sequence[Mapping[str, object]] = ()
    calls: Sequence[Mapping[str, object]] = ()
    skips: Mapping[StageName, str] = field(default_factory=dict)
    cost: Decimal = Decimal(0)

    @classmethod
    def from_item(cls, item: Mapping[str, Any], *, stage_id: int, token: int) -> Finish:
        """What a child said of its own attempt; whose attempt it is, the caller knows. Raises ValueError, KeyError."""
        return cls(
            stage_id=stage_id,
            token=token,
            outcome=Outcome(item["outcome"]),
            reason=item["reason"],
            error=item["error"],
            delay=float(item["delay"]),
            data=item["data"],
            files=item["files"],
            calls=item["calls"],
            skips={StageName(name): str(reason) for name, reason in item["skips"].items()},
            cost=Decimal(item["cost"]),
        )

    def as_item(self) -> dict[str, object]:
        """What finish_many takes, before it is made JSON."""
        return {
            "stage_id": self.stage_id,
            "token": self.token,
            "outcome": self.outcome,
            "reason": self.reason,
            "error": self.error,
            "delay": self.delay,
            "data": self.data,
            "files": list(self.files),
            "calls": list(self.calls),
            "skips": dict(self.skips),
            "cost": str(self.cost),
        }


def _as_json(items: Sequence[Mapping[str, object]]) -> str:
    """JSON that jsonb can keep; that something in it cannot be kept is rare, so it is looked for afterwards."""
    try:
        encoded = json.dumps(items, allow_nan=False)
    except ValueError:
        return json.dumps(_storable(items))
    return json.dumps(_storable(items)) if "\\u0000" in encoded or "\\ud" in encoded else encoded


def _storable(value: Any) -> Any:
    """The value without what jsonb refuses: NUL characters, halves of characters, and numbers that are none."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_storable(name): _storable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(part) for part in value]
    return value


@dataclass(frozen=True, kw_only=True)
class Beat:
    """lost are stages that are no longer the worker's; unknown (id, token) run under its lease and it does not know."""

    lost: frozenset[int]
    unknown: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """stage_ids whose outcome stands; ready_queues got work by it."""

    stage_ids: frozenset[int]
    ready_queues: tuple[QueueName, ...]


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a sweep found.

    ready_queues have due work; due_in is seconds until a stage falls due or a lease that holds work ends, if any will;
    lost_workers let such a lease end.
    """

    ready_queues: tuple[QueueName, ...]
    due_in: float | None
    running: int
    taken_back: int
    lost_workers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What an attempt works on: the source file's storage key and the newest outputs of the video, as JSON.

    edits are what people changed of these outputs, by target; options what the job was asked for beyond its kind.
    """

    title: str
    source_key: str
    outputs: Mapping[StageName, Mapping[str, object]]
    edits: Mapping[str, object]
    options: Mapping[str, object]


def claim_many(
    connection: Connection, queue: QueueName, lease: Lease, *, seconds: float, limit: int, cap: int
) -> tuple[Claim, ...]:
    """Claim up to limit due stages, at most cap running per user, under a lease of so many seconds."""
    rows = connection.execute(
        text("select * from claim_many(:queue, :lease, :worker, :host, :pid, :seconds, :limit, :cap)"),
        {
            "queue": queue,
            "lease": lease.id,
            "worker": lease.worker,
            "host": lease.host,
            "pid": lease.pid,
            "seconds": seconds,
            "limit": limit,
            "cap": cap,
        },
    )
    return tuple(Claim(**{**row._mapping, "name": StageName(row.name)}) for row in rows)


def beat(
    connection: Connection,
    lease: Lease,
    *,
    seconds: float,
    progress: Mapping[int, Mapping[str, object]],
    held: Mapping[int, int],
) -> Beat | None:
    """Renew the lease with the progress by stage, for who holds these stages (id: token).

    None when the lease has lapsed: all that was held under it is lost.
    """
    row = connection.execute(
        text("select * from beat(:lease, :seconds, cast(:progress as jsonb), :stages, :tokens)"),
        {
            "lease": lease.id,
            "seconds": seconds,
            "progress": json.dumps(_storable({str(stage_id): value for stage_id, value in progress.items()})),
            "stages": list(held),
            "tokens": list(held.values()),
        },
    ).one()
    if row.lost is None:
        return None
    return Beat(lost=frozenset(row.lost), unknown=tuple(zip(row.unknown_stages, row.unknown_tokens, strict=True)))


def finish_many(connection: Connection, worker: str, finishes: Sequence[Finish]) -> Recorded:
    """Record what became of many attempts at once. Repeating a call whose commit is unknown is safe."""
    row = connection.execute(
        text("select * from finish_many(:worker, cast(:items as jsonb))"),
        {"worker": worker, "items": _as_json([finish.as_item() for finish in finishes])},
    ).one()
    return Recorded(
        stage_ids=frozenset(row.recorded), ready_queues=tuple(QueueName(queue) for queue in row.ready_queues)
    )


def sweep(connection: Connection) -> Swept | None:
    """Take back what lapsed leases hold; None when another sweeper is at work."""
    row = connection.execute(text("select * from sweep()")).one()
    if row.taken_back is None:
        return None
    return Swept(
        ready_queues=tuple(QueueName(queue) for queue in row.ready_queues),
        due_in=row.due_in,
        running=row.running,
        taken_back=row.taken_back,
        lost_workers=tuple(row.lost_workers),
    )


def inputs(connection: Connection, job_ids: Sequence[UUID]) -> dict[UUID, Inputs]:
    """What stages of these jobs work on, by job."""
    rows = connection.execute(
        text(
            "select j.id, j.options, v.title, f.storage_key, coalesce(o.outputs, '{}') as outputs,"
            " coalesce(c.edits, '{}') as edits"
            " from jobs j join videos v on v.id = j.video_id"
            " join files f on f.video_id = v.id and f.role = 'source'"
            " left join lateral (select jsonb_object_agg(name, data) as outputs from ("
            "   select distinct on (name) name, data from outputs where video_id = v.id order by name, stage_id desc"
            " ) newest) o on true"
            " left join lateral (select jsonb_object_agg(target, value) as edits from ("
            "   select distinct on (target) target, value from standing_edits(v.id) order by target, id desc"
            " ) standing where value is not null) c on true"
            " where j.id = any (:jobs)"
        ),
        {"jobs": list(job_ids)},
    )
    return {
        row.id: Inputs(
            title=row.title,
            source_key=row.storage_key,
            outputs={StageName(name): data for name, data in row.outputs.items()},
            edits=row.edits,
            options=row.options,
        )
        for row in rows
    }
