"""Proves that the checker sees: each planted bug runs under faults aimed at it, and must break the rule it is about."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.chaos import rules
from tests.chaos.plants import plant_named
from tests.chaos.profiles import Profile
from tests.chaos.run import Plan, run
from tests.chaos.watch import OVERDUE_RULE

ONE_OUTPUT = "a succeeded stage has the one output, under its own token"
LATE = 4.0  # seconds: sweeps are one apart
CANCEL_TAKES = "a cancel takes the token"


@dataclass(frozen=True, kw_only=True)
class Hunt:
    """A small run aimed at one planted bug. rules are those of which at least one must break."""

    plant: str
    rules: frozenset[str]
    weights: Mapping[str, int]
    pipelines: int = 30
    faults: int = 6
    milliseconds: tuple[int, int] = (50, 300)
    pause: tuple[float, float] = (0.5, 1.0)
    cancels: float = 0.0
    drain: float = 5.0
    ahead: int = 10
    worker_delay: float = 0.0

    def plan(self, seed: int) -> Plan:
        return Plan(
            pipelines=self.pipelines,
            faults=self.faults,
            seed=seed,
            profile=Profile(weights=self.weights),
            plant=plant_named(self.plant),
            real=0,
            ai_workers=1,
            milliseconds=self.milliseconds,
            pause=self.pause,
            cancels=self.cancels,
            again=0.0,
            drain=self.drain,
            late=LATE,
            must_end=False,
            ahead=self.ahead,
            worker_delay=self.worker_delay,
            enough=self.rules,
        )


@dataclass(frozen=True, kw_only=True)
class Caught:
    """What the checker said of a planted bug. by are the rules that it was to break and broke, others all others."""

    plant: str
    by: tuple[str, ...]
    others: tuple[str, ...]
    seconds: float


HUNTS = (
    Hunt(
        plant="no fence and no beat",
        rules=frozenset({ONE_OUTPUT, rules.FILE_OF_WINNER, rules.ONE_SUCCESS}),
        weights={"freeze_host": 1},
        milliseconds=(400, 900),
        pause=(1.0, 2.0),
        faults=4,
        drain=3.0,
    ),
    Hunt(
        plant="output and state in two transactions",
        rules=frozenset({ONE_OUTPUT}),
        weights={"kill_after_commit": 1},
        worker_delay=0.05,
        drain=1.0,
    ),
    Hunt(
        plant="answer before commit",
        rules=frozenset({rules.ACKNOWLEDGED}),
        weights={"kill_web": 1},
        pipelines=40,
        ahead=40,
        faults=2,
        pause=(2.0, 3.0),
        drain=0.0,
    ),
    Hunt(
        plant="storage key without token",
        rules=frozenset({rules.FILE_OF_WINNER}),
        weights={"freeze_host": 1},
        milliseconds=(400, 900),
        pause=(1.0, 2.0),
        faults=4,
        drain=3.0,
    ),
    Hunt(
        plant="cancel that keeps the token",
        rules=frozenset({CANCEL_TAKES}),
        weights={"repeat_wakes": 1},
        milliseconds=(300, 600),
        faults=10,
        cancels=0.5,
        drain=1.0,
    ),
    Hunt(
        plant="sweeper blind to expired leases",
        rules=frozenset({OVERDUE_RULE}),
        weights={"kill_worker": 1, "kill_host": 1},
        milliseconds=(300, 600),
        faults=3,
        drain=15.0,
    ),
    Hunt(
        plant="quota outside the transaction",
        rules=frozenset({rules.IDLE_LEDGER, rules.UPLOAD_LEDGER}),
        weights={"cut_at_accept": 1},
        faults=2,
        drain=0.0,
    ),
)


def hunt(one: Hunt, *, seed: int, say: Callable[[str], None] = lambda line: None) -> Caught:
    """Run with the bug planted, and see by which rules it was caught."""
    started = time.monotonic()
    result = run(one.plan(seed), say=say)
    broken = set(result.broken)
    return Caught(
        plant=one.plant,
        by=tuple(sorted(broken & one.rules)),
        others=tuple(sorted(broken - one.rules)),
        seconds=round(time.monotonic() - started, 1),
    )


def run_all(say: Callable[[str], None], *, as_json: bool) -> int:
    """Each planted bug in turn; 0 when every one was caught by a rule that it is about."""
    all_caught = [hunt(one, seed=1) for one in HUNTS]
    for caught in all_caught:
        verdict = f"caught by: {'; '.join(caught.by)}" if caught.by else "NOT CAUGHT"
        say(f"{caught.plant} ({caught.seconds} s): {verdict}")
    if as_json:
        answer = {caught.plant: list(caught.by) for caught in all_caught}
        sys.stdout.write(json.dumps(answer) + "\n")
    return 0 if all(caught.by for caught in all_caught) else 1
