"""Every Redis key and channel of the product, with its time to live and its owner. RQ's own keys are RQ's."""

from __future__ import annotations

from uuid import UUID

from services.model import QueueName


def session(session_id: UUID) -> str:
    """Owner: sessions. Lives for the idle time of a session, renewed when it is used."""
    return f"backlot:session:{session_id}"


def wake(queue: QueueName) -> str:
    """The id of the one rq_job per queue that is rewritten at each ring. Owner: queue. Never expires."""
    return f"wake-{queue}"


def progress() -> str:
    """Channel on which workers tell how far stages are. Owner: progress."""
    return "backlot:progress"


def roll_call() -> str:
    """Channel on which workers are asked to register again, since Redis has forgotten them. Owner: queue."""
    return "backlot:roll-call"


def call(queue: QueueName) -> str:
    """Channel on which a queue is rung while Redis is too full to take a wake. Owner: queue."""
    return f"backlot:call:{queue}"


def revocations() -> str:
    """Channel on which sessions and API tokens that ended are told by their id. Owner: revocations."""
    return "backlot:revocations"


def requests(user_id: int) -> str:
    """The times of a user's requests. Owner: limits. Lives for their window, of a minute, after the newest."""
    return f"backlot:requests:{user_id}"
