"""One run: start, load, break, mend, wait, check."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from bench.footage import SAMPLE, tiny
from services.errors import Unavailable
from tests.chaos import figures
from tests.chaos.checker import Broken, check, check_redis
from tests.chaos.faults import Faults
from tests.chaos.films import talking
from tests.chaos.fleet import LEASE, Fleet
from tests.chaos.load import Load, People
from tests.chaos.plants import Plant
from tests.chaos.profiles import Profile
from tests.chaos.recipe import Recipe
from tests.chaos.watch import Watch

AHEAD = 30  # pipelines that may be sent before the first fault; the others come as the faults do
API_SHARE = 0.15
REAL_SHARE = 0.05
LOG_LINES = 12


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run. milliseconds are the bounds of a virtual stage; pause those between two faults, in seconds.

    cancels and again are shares of the pipelines that people cancel, or ask one more job of. late is how long a lease
    may have ended before a stage under it counts as forgotten. enough are the rules after whose breach, seen while it
    runs, the run may end.
    """

    pipelines: int
    faults: int
    seed: int
    profile: Profile
    plant: Plant | None = None
    real: int = 25
    ai_workers: int = 2
    milliseconds: tuple[int, int] = (50, 500)
    pause: tuple[float, float] = (0.8, 3.0)
    cancels: float = 0.06
    again: float = 0.05
    drain: float = 240.0
    late: float = 30.0
    web_delay: float = 0.0
    worker_delay: float = 0.0
    enough: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, kw_only=True)
class Result:
    """figures are those of the answer; broken are the rules that did not hold, with rows; log_ends for the reader."""

    figures: dict[str, object]
    broken: Broken
    log_ends: str

    @property
    def is_clean(self) -> bool:
        return not self.broken and self.figures["violations"] == self.figures["lost"] == 0


def run(plan: Plan, *, say: Callable[[str], None] = lambda line: None) -> Result:
    """Run a plan in a folder of its own, which goes with it. Raises LookupError for a plant that does not fit."""
    folder = Path(tempfile.mkdtemp(prefix="backlot-chaos-"))
    try:
        fleet = Fleet(folder, ai_workers=plan.ai_workers, seed=plan.seed, plant=plan.plant, wakes=plan.profile.wakes)
        try:
            return _run(fleet, plan, say)
        finally:
            fleet.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def recipes(plan: Plan) -> list[Recipe]:
    """What is uploaded, in order."""
    chooser = random.Random(plan.seed)
    real = {round(place * plan.pipelines / plan.real) for place in range(plan.real)} if plan.real else set()
    made = []
    for number in range(plan.pipelines):
        if number in real:
            kind = "real"
        elif number % plan.profile.poison_every == plan.profile.poison_every - 1:
            kind = "poison"
        else:
            kind = "api" if chooser.random() < API_SHARE else "plain"
        shortest, longest = plan.milliseconds
        made.append(Recipe(kind=kind, shortest=shortest, longest=longest, number=number))
    return made


def _run(fleet: Fleet, plan: Plan, say: Callable[[str], None]) -> Result:
    started = time.monotonic()
    films = (tiny(fleet.folder / "silent.mp4"), talking(SAMPLE, fleet.folder / "talk.mp4")) if plan.real else ()
    fleet.wait_until_ready()
    for process in fleet.processes:
        fleet.networks[process, "postgres"].delay = plan.web_delay if process == "web" else plan.worker_delay
    say(f"ready after {time.monotonic() - started:.1f} s")
    faults = Faults(fleet, plan.profile.weights, seed=plan.seed)

    def allowed() -> int:
        return plan.pipelines if not plan.faults else AHEAD + round(plan.pipelines * len(faults.done) / plan.faults)

    watch = Watch(fleet, late=plan.late)
    load = Load(fleet, recipes(plan), allowed=allowed, films=films)
    people = People(fleet, load, seed=plan.seed, cancels=plan.cancels, again=plan.again)
    try:
        _break_until_all_is_sent(fleet, plan, faults, load, watch, say=say)
        people.stop()
        faults.undo_all()
        drained = _drain(fleet, plan, watch, say)
    finally:
        load.stop()
        people.stop()
        faults.undo_all()
    watch.stop()
    if load.errors:
        raise load.errors[0]
    fleet.stop_product()
    with fleet.database.transaction() as connection:
        broken = check(connection, fleet.home / "storage", load.acknowledged, people.jobs)
        if drained:
            broken |= check_redis(connection, redis.Redis.from_url(fleet.valkey.url))
        recovery = figures.recovery(connection, faults.done)
    for rule, found in watch.found.items():
        broken.setdefault(rule, found)
    counted = figures.counted(broken)
    answer: dict[str, object] = {
        "violations": sum(len(found) for found in broken.values()),
        "violated": sorted(broken),
        **counted,
        **recovery,
        "faults": faults.counts,
        "pipelines": len(load.acknowledged),
        "people": dict(people.done),
        "refusals": sum(browser.refusals.total() for browser in load.browsers),
        "supervisor_starts": fleet.supervisor_starts,
        "looks": watch.looks,
        "wall_s": round(time.monotonic() - started, 1),
    }
    for browser in load.browsers:
        for refusal, count in browser.refusals.items():
            say(f"refused {count} times: {refusal}")
    return Result(figures=answer, broken=broken, log_ends=fleet.last_words(LOG_LINES) if broken else "")


def _break_until_all_is_sent(
    fleet: Fleet, plan: Plan, faults: Faults, load: Load, watch: Watch, *, say: Callable[[str], None]
) -> None:
    chooser = random.Random(plan.seed)
    next_fault = time.monotonic() + 2.0
    told = 0
    while (not load.is_done or len(faults.done) < plan.faults) and not plan.enough & watch.found.keys():
        if load.errors:
            return
        if len(faults.done) < plan.faults and time.monotonic() >= next_fault:
            struck = faults.strike()
            next_fault = time.monotonic() + (chooser.uniform(*plan.pause) if struck else 0.2)
            if struck and len(faults.done) >= told + 10:
                told = len(faults.done)
                say(f"{told} faults, {len(load.acknowledged)} pipelines accepted")
        faults.tend()
        fleet.tend()
        if len(faults.done) >= plan.faults and faults.is_over:
            for network in fleet.networks.values():
                network.mend()
        time.sleep(0.03)


def _drain(fleet: Fleet, plan: Plan, watch: Watch, say: Callable[[str], None]) -> bool:
    """Wait until all has ended, then for late writers; whether it did."""
    deadline = time.monotonic() + plan.drain
    told = time.monotonic()
    while not plan.enough & watch.found.keys():
        fleet.tend()
        with suppress(Unavailable):
            unfinished = fleet.count_unfinished()
            if not unfinished:
                time.sleep(LEASE + 1)
                return True
            if time.monotonic() - told > 10:
                told = time.monotonic()
                say(f"{unfinished} jobs and stages unfinished")
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return False
