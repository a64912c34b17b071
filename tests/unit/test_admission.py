"""When a new upload is taken, and when it is told to come back later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.admission import COME_BACK, REMEMBERED, Admission, Bounds, Figures, decide
from services.errors import Unavailable

GIBIBYTE = 1024**3
BOUNDS = Bounds(backlog=5000, disk_reserve=GIBIBYTE, disk_reserve_share=0.1)
QUIET = Figures(ready_stages=0, disk_free=60 * GIBIBYTE, disk_size=100 * GIBIBYTE, redis_used=None)


@pytest.mark.parametrize(
    ("figures", "size", "refused_for"),
    [
        ({}, 1, None),
        ({"ready_stages": 5000}, 1, None),
        ({"ready_stages": 5001}, 1, "More than 5,000 steps"),
        ({}, 50 * GIBIBYTE, None),
        ({}, 50 * GIBIBYTE + 1, "disk"),
        ({"disk_free": 10 * GIBIBYTE}, 1, "disk"),
        # A small disk: a tenth of it is less than the reserve in bytes.
        ({"disk_size": 4 * GIBIBYTE, "disk_free": GIBIBYTE + 7}, 7, None),
        ({"disk_size": 4 * GIBIBYTE, "disk_free": GIBIBYTE + 7}, 8, "disk"),
        ({"redis_used": 0.0}, 1, None),
        ({"redis_used": 0.8}, 1, None),
        ({"redis_used": 0.81}, 1, "Redis is nearly full (81%"),
        ({"redis_used": 1.5, "ready_stages": 9999, "disk_free": 0}, 1, "disk"),
    ],
)
def test_the_rule(figures: dict[str, object], size: int, refused_for: str | None) -> None:
    reason = decide(replace(QUIET, **figures), BOUNDS, size=size).reason  # type: ignore[arg-type]
    if refused_for is None:
        assert reason is None
    else:
        assert reason is not None
        assert refused_for in reason
        assert "Nothing was lost" in reason
        assert "Try again" in reason
        assert "ask an operator" in reason


def test_figures_are_asked_for_again_after_a_while() -> None:
    measured: list[Figures] = []
    now = 100.0
    figures = QUIET

    def measure() -> Figures:
        measured.append(figures)
        return figures

    admission = Admission(measure, BOUNDS, clock=lambda: now)
    for _ in range(50):
        admission.require(size=1)
    assert len(measured) == 1
    figures = replace(QUIET, ready_stages=6000)
    now += REMEMBERED
    admission.require(size=1)
    now += 0.1
    with pytest.raises(Unavailable, match="5,000 steps") as refusal:
        admission.require(size=1)
    assert refusal.value.retry_after == COME_BACK
    assert len(measured) == 2


def test_a_measurement_that_fails_is_not_remembered() -> None:
    fails = [True, False]

    def measure() -> Figures:
        if fails.pop(0):
            raise Unavailable("The database does not answer.")
        return QUIET

    admission = Admission(measure, BOUNDS)
    with pytest.raises(Unavailable, match="database"):
        admission.require(size=1)
    admission.require(size=1)
