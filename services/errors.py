"""The error tree.

BacklotError
├── Refused            the user's to fix; logged as info
│   ├── NotSignedIn    no valid session
│   ├── NotAllowed     signed in, but the role does not permit it
│   ├── NotFound       no such thing, or not yours to see
│   ├── LimitReached   a quota is used up; carries retry_after seconds
│   ├── BadInput       the file or the field cannot be used
│   └── IllegalMove    the state does not permit it
├── Unavailable        a service is down or full; try later; may carry retry_after seconds; logged as warning
├── StageFailed        a stage could not do its work
│   ├── TransientFailure   may succeed on another attempt; may carry retry_after seconds
│   └── PermanentFailure   will not succeed by repeating
└── JobCancelled       the job was cancelled, or the stage was taken away

The message of every error is written for the person who reads it and says what to do next.
"""

from __future__ import annotations

from services.model import LimitName


class BacklotError(Exception):
    """The root of every error that Backlot raises on purpose."""


class Refused(BacklotError):
    """The request cannot be met as it was made."""


class NotSignedIn(Refused):
    """Please sign in."""


class NotAllowed(Refused):
    """Your role does not permit this."""


class NotFound(Refused):
    """There is no such thing, or it is not yours."""


class LimitReached(Refused):
    """A quota is used up.

    retry_after is in seconds from now; limit names the quota where it is one of the product's three.
    """

    def __init__(self, message: str, *, retry_after: float, limit: LimitName | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.limit = limit


class BadInput(Refused):
    """The file or the field cannot be used."""


class IllegalMove(Refused):
    """The state does not permit it."""


class Unavailable(BacklotError):
    """A service that is needed does not answer, or has no room.

    retry_after, in seconds from now, is given where coming back sooner is of no use.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StageFailed(BacklotError):
    """A stage could not do its work."""


class TransientFailure(StageFailed):
    """The stage may succeed on another attempt.

    retry_after, in seconds, is what the failing service asked for, if it said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentFailure(StageFailed):
    """The stage will not succeed by repeating."""


class JobCancelled(BacklotError):
    """The job was cancelled, or the stage was taken away from this worker."""
