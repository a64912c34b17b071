"""What to do about an error: decided here, done elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import uniform

from services.errors import JobCancelled, PermanentFailure, Refused, TransientFailure, Unavailable
from services.records.stages import Outcome

FIRST_DELAY = 2.0  # seconds; doubled with each attempt
LONGEST_DELAY = 300.0


@dataclass(frozen=True, kw_only=True)
class Decision:
    """outcome to record, and after how many seconds to try again; reason is for people."""

    outcome: Outcome
    reason: str
    delay: float = 0.0


def decide(
    error: BaseException,
    *,
    attempt: int,
    max_attempts: int,
    jitter: Callable[[float, float], float] = uniform,
) -> Decision:
    """The decision for the error of an attempt, counted from 1.

    Full jitter: uniform between 0 and the capped exponential (Brooker, "Exponential Backoff And Jitter", AWS 2015).
    A Retry-After is obeyed. An error that nobody foresaw may pass, so it is tried again too.
    """
    if isinstance(error, JobCancelled):
        return Decision(outcome=Outcome.RELEASED, reason="The stage was taken away from its worker.")
    if isinstance(error, MemoryError):
        return Decision(
            outcome=Outcome.FAILED, reason="The video needs more memory than a worker has: try a smaller one."
        )
    if isinstance(error, PermanentFailure | Refused):
        return Decision(outcome=Outcome.FAILED, reason=str(error))
    reason = str(error) if isinstance(error, TransientFailure | Unavailable) else "Something unforeseen went wrong."
    if attempt >= max_attempts:
        return Decision(
            outcome=Outcome.FAILED, reason=f"{reason} It was tried {attempt} times; an operator can see the details."
        )
    delay = jitter(0, min(LONGEST_DELAY, FIRST_DELAY * 2**attempt))
    if isinstance(error, TransientFailure) and error.retry_after is not None:
        delay = max(delay, error.retry_after)
    return Decision(outcome=Outcome.RETRIED, reason=reason, delay=delay)
