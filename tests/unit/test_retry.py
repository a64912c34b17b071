"""Retry decisions are a pure function of error and attempt."""

from __future__ import annotations

import pytest

from jobs.retry import FIRST_DELAY, LONGEST_DELAY, decide
from services.errors import JobCancelled, NotFound, PermanentFailure, TransientFailure, Unavailable
from services.records.stages import Outcome


def longest(_low: float, high: float) -> float:
    return high


@pytest.mark.parametrize(
    ("error", "attempt", "outcome"),
    [
        (PermanentFailure("bad file"), 1, Outcome.FAILED),
        (NotFound("the file is gone"), 1, Outcome.FAILED),
        (MemoryError(), 1, Outcome.FAILED),
        (TransientFailure("busy"), 1, Outcome.RETRIED),
        (Unavailable("disk full"), 4, Outcome.RETRIED),
        (TransientFailure("busy"), 5, Outcome.FAILED),
        (ZeroDivisionError(), 1, Outcome.RETRIED),
        (ZeroDivisionError(), 5, Outcome.FAILED),
        (JobCancelled("stop"), 1, Outcome.RELEASED),
    ],
)
def test_outcomes(error: Exception, attempt: int, outcome: Outcome) -> None:
    assert decide(error, attempt=attempt, max_attempts=5).outcome is outcome


def test_the_backoff_doubles_up_to_its_cap() -> None:
    delays = [decide(TransientFailure("x"), attempt=n, max_attempts=99, jitter=longest).delay for n in (1, 2, 3, 20)]
    assert delays == [FIRST_DELAY * 2, FIRST_DELAY * 4, FIRST_DELAY * 8, LONGEST_DELAY]


def test_full_jitter_starts_at_nothing() -> None:
    assert decide(TransientFailure("x"), attempt=3, max_attempts=5, jitter=lambda low, _high: low).delay == 0


def test_a_retry_after_is_obeyed() -> None:
    assert decide(TransientFailure("x", retry_after=77), attempt=1, max_attempts=5).delay >= 77


def test_what_nobody_foresaw_is_not_shown_to_people() -> None:
    decision = decide(KeyError("postgresql://user:secret@host"), attempt=5, max_attempts=5)
    assert "secret" not in decision.reason
