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
from tests.chaos import figures, rules
from tests.chaos.checker import Broken, check, check_redis
from tests.chaos.faults import Faults
from tests.chaos.films import talking
from tests.chaos.fleet import LEASE, Fleet
from tests.chaos.load import Load, People
from tests.chaos.plants import Plant
from tests.chaos.profiles import Profile
from tests.chaos.recipe import Recipe
from tests.chaos.watch import Watch

FIRST_FAULT = 1.0  # seconds after the first upload
FAULT_SECONDS = 3.0  # about as long as a fault and the pause after it take: the uploads keep pace with that
MOST_AHEAD = 3.0  # faults for which the uploads go on while none finds anything to break
BACKLOG = 150  # jobs and stages unfinished, above which the next fault waits, so that faults last as long as the work
LONGEST_WAIT = 8.0  # seconds that it waits for this
STANDSTILL = 90.0  # seconds without a fault or an upload, after which a run goes no further
API_SHARE = 0.15
REAL_SHARE = 0.05
LOG_LINES = 12


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run.

    milliseconds are the bounds of a virtual stage; pause those between two faults, in seconds. cancels and again are
    shares of the pipelines that people cancel, or ask one more job of. ahead is how many pipelines are sent at once,
    the others come as the faults do. worker_delay, in seconds each way, lies between the workers and Postgres. late is
    how long a lease may have ended before a stage under it counts as forgotten, drain how long the run waits for the
    end of all work; must_end says that this end is among the rules. enough are the rules after whose breach, seen while
    it runs, the run may stop.
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
    must_end: bool = True
    ahead: int = 10
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


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Spreads the uploads over the faults. begun is of time.monotonic."""

    plan: Plan
    faults: Faults
    begun: float

    def allowed(self) -> int:
        """How many pipelines may have been sent by now."""
        if not self.plan.faults:
            return self.plan.pipelines
        last = max(self.begun, self.faults.struck_at)
        waited = min(MOST_AHEAD, (time.monotonic() - last) / FAULT_SECONDS)
        share = (len(self.faults.done) + waited) / self.plan.faults
        return self.plan.ahead + round(self.plan.pipelines * share)


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
        fleet.networks[process, "postgres"].delay = 0.0 if process == "web" else plan.worker_delay
    say(f"ready after {time.monotonic() - started:.1f} s")
    faults = Faults(fleet, plan.profile.weights, seed=plan.seed)

    pace = Pace(plan=plan, faults=faults, begun=time.monotonic())
    watch = Watch(fleet, late=plan.late)
    load = Load(fleet, recipes(plan), allowed=pace.allowed, films=films)
    people = People(fleet, load, seed=plan.seed, cancels=plan.cancels, again=plan.again)
    try:
        stuck = _break_until_all_is_sent(fleet, plan, faults, load, watch)
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
    say(f"quiet after {time.monotonic() - started:.1f} s")
    fleet.stop_product()
    say(f"stopped after {time.monotonic() - started:.1f} s")
    with fleet.database.transaction() as connection:
        broken = check(connection, fleet.home / "storage", load.acknowledged, people.jobs)
        if drained:
            broken |= check_redis(connection, redis.Redis.from_url(fleet.valkey.url))
        recovery = figures.recovery(connection, faults.done)
    broken |= stuck
    if not plan.must_end:
        broken.pop(rules.ALL_ENDED, None)
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


def _break_until_all_is_sent(fleet: Fleet, plan: Plan, faults: Faults, load: Load, watch: Watch) -> Broken:
    """What kept it from sending and breaking all that was planned, if anything did."""
    chooser = random.Random(plan.seed)
    next_fault = time.monotonic() + FIRST_FAULT
    progress, progressed_at = (0, 0), time.monotonic()
    while not (load.is_done and len(faults.done) >= plan.faults and faults.is_over):
        if plan.enough & watch.found.keys() or load.errors:
            break
        if len(faults.done) < plan.faults and time.monotonic() >= next_fault:
            if time.monotonic() - faults.struck_at < LONGEST_WAIT and _backlog(fleet) > BACKLOG:
                next_fault = time.monotonic() + 0.5
            else:
                struck = faults.strike()
                next_fault = time.monotonic() + (chooser.uniform(*plan.pause) if struck else 0.2)
        fleet.tend()
        if (now := (len(faults.done), len(load.acknowledged))) != progress:
            progress, progressed_at = now, time.monotonic()
        elif time.monotonic() - progressed_at > STANDSTILL:
            return {rules.GOES_ON: [f"{progress[0]} faults and {progress[1]} uploads, and then nothing for long"]}
        time.sleep(0.03)
    return {}


def _backlog(fleet: Fleet) -> int:
    with suppress(Unavailable):
        return fleet.count_unfinished()
    return 0


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
