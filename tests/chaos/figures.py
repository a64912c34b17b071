"""The figures of a run: what was lost and doubled, and how soon work went on after each fault."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from sqlalchemy import Connection, text

from tests.chaos import rules
from tests.chaos.checker import Broken
from tests.chaos.faults import Fault


def counted(broken: Broken) -> dict[str, int]:
    """lost: what was acknowledged and is gone, or never ended. duplicated: what was done or accepted twice."""
    return {
        "lost": len(broken.get(rules.ACKNOWLEDGED, ())) + len(broken.get(rules.ALL_ENDED, ())),
        "duplicated": len(broken.get(rules.ONE_SUCCESS, ())) + len(broken.get(rules.ACCEPTED_ONCE, ())),
    }


def recovery(connection: Connection, faults: Sequence[Fault]) -> dict[str, float | None]:
    """Seconds, from Postgres alone.

    recovery_*: from the beginning of each fault to the end of the first success among the attempts that began after
    it, so that the fault's own duration and one stage's work are part of it. Faults after which nothing more was begun
    count for nothing. orphan_*: from the death or pause of a worker to the beginning of the next attempt of each stage
    that it was running, where that attempt was lost.
    """
    began = list(
        connection.execute(
            text(
                "select extract(epoch from started_at)::float8 as began,"
                " extract(epoch from finished_at)::float8 as ended from attempts where outcome = 'succeeded' order by 1"
            )
        )
    )
    starts = [row.began for row in began]
    recovered = []
    for fault in faults:
        after = began[bisect_left(starts, fault.at) :]
        if after:
            recovered.append(min(row.ended for row in after) - fault.at)
    orphans = []
    lost = connection.execute(
        text(
            "select a.worker, extract(epoch from a.started_at)::float8 as began,"
            " extract(epoch from a.finished_at)::float8 as taken,"
            " (select extract(epoch from min(n.started_at))::float8 from attempts n"
            "  where n.stage_id = a.stage_id and n.token > a.token) as again"
            " from attempts a where a.outcome = 'lost'"
        )
    ).all()
    for fault in faults:
        for row in lost:
            is_its_work = int(row.worker.split("-")[-2]) in fault.pids and row.began <= fault.at <= row.taken
            if is_its_work and row.again is not None:
                orphans.append(row.again - fault.at)
    return {
        "recovery_p50_s": _quantile(recovered, 0.5),
        "recovery_p95_s": _quantile(recovered, 0.95),
        "orphan_p50_s": _quantile(orphans, 0.5),
        "orphan_p95_s": _quantile(orphans, 0.95),
        "orphan_max_s": _quantile(orphans, 1.0),
    }


def _quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of all does not exceed."""
    if not values:
        return None
    place = max(0, -int(-share * len(values) // 1) - 1)
    return round(sorted(values)[place], 2)
