"""How long a job will still take: from its own measured pace, and before there is one from the length of the media."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from services.model import PLAN, StageName, StageState
from services.records.jobs import StageRow

TRUSTED_PERCENT = 50.0  # of a stage, at which its own pace says all; before, the expectation has its share
FASTEST, SLOWEST = 0.25, 8.0  # times the expectation that a measured pace may be: beyond is an accident
JUDGED_SECONDS = 2.0  # expected seconds of a stage that tells anything about the machine's pace
NEARLY = 0.5  # seconds that what runs longer than expected is still given
SETTLED = frozenset({StageState.SUCCEEDED, StageState.SKIPPED})


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """Seconds of work: fixed ones, and so many for each second of media, of which at most `most` seconds count."""

    fixed: float
    per_second: float = 0.0
    most: float = float("inf")

    def seconds(self, duration: float) -> float:
        return self.fixed + self.per_second * min(duration, self.most)


# One core and the local engine. Transcribing goes at 23 times real time (docs/adr/0007); the others as
# `bench.pipeline` measures them on a talk of ten minutes: at most three clips are cut, whatever the length.
EXPECTED: Mapping[StageName, Expectation] = MappingProxyType(
    {
        StageName.PROBE: Expectation(fixed=0.5),
        StageName.TRANSCRIBE: Expectation(fixed=1.0, per_second=1 / 23),
        StageName.THUMBNAILS: Expectation(fixed=1.0, per_second=1 / 100),
        StageName.ANALYZE: Expectation(fixed=0.5),
        StageName.CLIPS: Expectation(fixed=1.0, per_second=0.45, most=90.0),
        StageName.POSTS: Expectation(fixed=0.5),
    }
)


def seconds_left(stages: Sequence[StageRow], duration: float | None, *, now: datetime) -> float | None:
    """Seconds until the job is done; None while nothing runs, or nothing can be said yet.

    duration is seconds of media.
    """
    if not duration or not any(stage.state is StageState.RUNNING for stage in stages):
        return None
    if any(stage.state is StageState.READY and stage.reason for stage in stages):  # put back: nobody knows until when
        return None
    pace = _pace(stages, duration, now)
    ends: dict[StageName, float] = {}
    for stage in sorted(stages, key=lambda stage: list(PLAN).index(stage.name)):
        before = max((ends.get(name, 0.0) for name in PLAN[stage.name].after), default=0.0)
        ends[stage.name] = before + _left(stage, duration, pace, now)
    return max(ends.values())


def _left(stage: StageRow, duration: float, pace: float, now: datetime) -> float:
    if stage.state in SETTLED:
        return 0.0
    if stage.state is not StageState.RUNNING:
        return pace * EXPECTED[stage.name].seconds(duration)
    elapsed = _elapsed(stage, now)
    return max(NEARLY * (100.0 - stage.percent) / 100.0, _total(stage, duration, elapsed, pace) - elapsed)


def _pace(stages: Sequence[StageRow], duration: float, now: datetime) -> float:
    """How many times as long as expected this job takes, by the longest of its stages that tells."""
    told: list[tuple[float, float]] = []
    for stage in stages:
        expected = EXPECTED[stage.name].seconds(duration)
        if expected < JUDGED_SECONDS or stage.started_at is None:
            continue
        if stage.state is StageState.SUCCEEDED:
            told.append((expected, _elapsed(stage, now) / expected))
        elif stage.state is StageState.RUNNING:
            told.append((expected, _total(stage, duration, _elapsed(stage, now), 1.0) / expected))
    pace = max(told)[1] if told else 1.0
    return min(SLOWEST, max(FASTEST, pace))


def _total(stage: StageRow, duration: float, elapsed: float, pace: float) -> float:
    """Seconds that a running stage will have taken: as expected at first, and by its own pace more and more."""
    expected = pace * EXPECTED[stage.name].seconds(duration)
    if stage.percent <= 0:
        return expected
    trust = min(1.0, stage.percent / TRUSTED_PERCENT)
    return (1 - trust) * expected + trust * elapsed * 100.0 / stage.percent


def _elapsed(stage: StageRow, now: datetime) -> float:
    """Seconds that it ran, or has run until now."""
    if stage.started_at is None:
        return 0.0
    return max(0.0, ((stage.finished_at or now) - stage.started_at).total_seconds())
