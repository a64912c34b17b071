"""Records what became of attempts, so that one that cannot be recorded holds up no other."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.database import Database
from services.errors import Unavailable
from services.records import stages
from services.records.stages import Finish, Outcome, Recorded

PERSIST_SECONDS = 1.0  # between attempts to reach Postgres

log = structlog.get_logger()


def record(database: Database, worker: str, finishes: Sequence[Finish]) -> Recorded:
    """Record all in one transaction, or, where the database refuses one of them, each by itself.

    The refused one is recorded as failed. Raises Unavailable.
    """
    try:
        with database.statement() as connection:
            return stages.finish_many(connection, worker, finishes)
    except Unavailable:
        raise
    except Exception as error:
        log.exception("record_refused", count=len(finishes))
        if len(finishes) > 1:
            each = [record(database, worker, [finish]) for finish in finishes]
            return Recorded(
                stage_ids=frozenset().union(*(recorded.stage_ids for recorded in each)),
                ready_queues=tuple({queue for recorded in each for queue in recorded.ready_queues}),
            )
        refused = Finish(
            stage_id=finishes[0].stage_id,
            token=finishes[0].token,
            outcome=Outcome.FAILED,
            reason="What this stage made could not be recorded. An operator can see the details in the log.",
            error=f"{type(error).__name__} while recording {finishes[0].outcome}",
        )
        with database.statement() as connection:
            return stages.finish_many(connection, worker, [refused])


def released(stage_id: int, token: int, reason: str = "The worker was stopped; the stage goes on elsewhere.") -> Finish:
    """What to record of an attempt that a living worker hands back: it costs no try."""
    return Finish(stage_id=stage_id, token=token, outcome=Outcome.RELEASED, reason=reason)


def next_retry(finishes: Sequence[Finish]) -> float | None:
    """Seconds until the first of them is to be tried again, if any is."""
    return min((finish.delay for finish in finishes if finish.outcome is Outcome.RETRIED), default=None)
