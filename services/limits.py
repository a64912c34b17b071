"""What one person may do in a while: requests a minute, jobs an hour, uploads a day.

Requests are counted in Redis (services/request_log.py), jobs and uploads in Postgres, within the transaction that
accepts them. An action spends its request first, and gets it back when the rest comes to nothing.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import redis
import structlog
from sqlalchemy import Connection

from services.database import Database
from services.durations import DAY, HOUR, MINUTE, in_words, seconds_until
from services.errors import BacklotError, BadInput, IllegalMove, LimitReached, Refused
from services.model import LimitName, User
from services.permissions import Action, unseen, use_case
from services.reasons import require_reason
from services.records import events, limits, quotas
from services.records.limits import OverrideRow as Override
from services.records.limits import RefusalsRow as Refusals
from services.records.quotas import Quota, QuotaUse
from services.request_log import RequestLog, Spent
from services.settings import Settings

OVERRIDES_SECONDS = 10.0  # for which other processes may not know of a limit of one person's requests
REFUSALS_SECONDS = 2.0  # between two writes of what was refused
# Of a limit of one person. Each request of a minute is kept in Redis.
HIGHEST = MappingProxyType({LimitName.REQUESTS: 10_000, LimitName.JOBS: 1_000_000, LimitName.UPLOADS: 1_000_000})

log = structlog.get_logger()
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")
# By user the request that is spent already where this code runs: what it calls is part of the same.
_spent: ContextVar[Mapping[int, LimitUse]] = ContextVar("spent requests", default=MappingProxyType({}))


@dataclass(frozen=True, kw_only=True)
class LimitUse:
    """What is used now of a sliding window, in seconds.

    free_at is when the next one fits, None while some are left; overridden_until is when the limit is everybody's
    again, and reason why it is not, None while it is.
    """

    name: LimitName
    limit: int
    used: int
    window: float
    free_at: datetime | None = None
    overridden_until: datetime | None = None
    reason: str | None = None

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, kw_only=True)
class LimitsView:
    """degraded: Redis does not answer, and requests are counted by this process alone.

    Uploads beyond the jobs of an hour are kept: the next job starts at jobs.free_at.
    """

    requests: LimitUse
    jobs: LimitUse
    uploads: LimitUse
    degraded: bool = False


class Limits:
    """window, in seconds, is that of requests: shorter for who cannot wait a minute."""

    def __init__(self, database: Database, client: redis.Redis, settings: Settings, *, window: float = MINUTE) -> None:
        self._database = database
        self._settings = settings
        self._window = window
        self._requests = RequestLog(client, window=window)
        self._lock = threading.Lock()
        self._own: Mapping[int, Override] = {}  # of requests, by user
        self._own_until = 0.0
        self._refused: Counter[tuple[datetime, int, LimitName]] = Counter()
        self._writing: threading.Timer | None = None

    @contextmanager
    def request(self, user: User) -> Iterator[LimitUse]:
        """Spend one request of the user for what is done within; nested in another of theirs it is part of that.

        It is given back where what is done within comes to nothing by no fault of the user's: LimitReached, or what is
        no refusal. Raises LimitReached.
        """
        outer = _spent.get()
        if (use := outer.get(user.id)) is not None:
            yield use
            return
        own = self._own_limit(user.id)
        limit = self._settings.requests_per_minute if own is None else own.value
        spent = self._requests.spend(user.id, limit=limit)
        use = self._requests_used(spent, limit, own)
        if spent.stamp is None:
            self.count_refusal(user.id, LimitName.REQUESTS)
            raise _too_many(use)
        token = _spent.set({**outer, user.id: use})
        try:
            yield use
        except Exception as error:
            if isinstance(error, LimitReached) or not isinstance(error, Refused):
                self._requests.give_back(user.id, spent.stamp)
            raise
        finally:
            _spent.reset(token)

    @use_case(Action.ACCOUNT)
    def of(self, user: User) -> LimitsView:
        """What the user has used; it spends nothing. Raises Unavailable."""
        hourly = Quota(name=LimitName.JOBS, at_most=self._settings.jobs_per_hour, window=HOUR)
        with self._database.statement() as connection:
            jobs, uploads = quotas.uses_of(connection, user.id, hourly, self._daily())
        own = self._own_limit(user.id)
        limit = self._settings.requests_per_minute if own is None else own.value
        looked = self._requests.look(user.id, limit=limit)
        return LimitsView(
            requests=self._requests_used(looked, limit, own),
            jobs=_quota_used(LimitName.JOBS, jobs, HOUR),
            uploads=_quota_used(LimitName.UPLOADS, uploads, DAY),
            degraded=looked.degraded,
        )

    def require_upload(self, connection: Connection, user: User) -> None:
        """Raises LimitReached where no upload fits into the user's day; whoever accepts one holds their row."""
        (use,) = quotas.uses_of(connection, user.id, self._daily())
        if use.free_at is not None:
            self.count_refusal(user.id, LimitName.UPLOADS)
            wait = seconds_until(use.free_at)
            raise LimitReached(
                f"You have uploaded {use.at_most:,} {'video' if use.at_most == 1 else 'videos'} within a day. "
                f"The next one fits in {in_words(wait)}.",
                retry_after=wait,
                limit=LimitName.UPLOADS,
            )

    def _daily(self) -> Quota:
        return Quota(name=LimitName.UPLOADS, at_most=self._settings.uploads_per_day, window=DAY)

    def count_refusal(self, user_id: int, name: LimitName) -> None:
        """Put on record, a little later, that a limit refused a user; it may be lost without harm."""
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        with self._lock:
            self._refused[minute, user_id, name] += 1
            if self._writing is None:
                self._writing = threading.Timer(REFUSALS_SECONDS, self._write_refusals)
                self._writing.daemon = True
                self._writing.start()

    @use_case(Action.MANAGE)
    def refusals(self, actor: User, *, since: datetime) -> tuple[Refusals, ...]:
        """How often which limit refused whom, by minute, the oldest first."""
        with self._database.statement() as connection:
            return limits.refusals(connection, since=since)

    @use_case(Action.MANAGE)
    def overrides(self, actor: User, user_id: int) -> tuple[Override, ...]:
        """The limits of a user that are not everybody's now."""
        with self._database.statement() as connection:
            return limits.of_user(connection, user_id)

    @use_case(Action.MANAGE)
    def set_override(
        self, actor: User, user_id: int, name: LimitName, *, value: int, reason: str, until: datetime
    ) -> None:
        """Give a user a limit of their own until a moment, in place of any that they have.

        Raises NotFound, BadInput without a reason, for a number that no limit can be, or a moment that is past.
        """
        reason = require_reason(reason)
        if not 0 <= value <= HIGHEST[name]:
            raise BadInput(f"Choose a number between 0 and {HIGHEST[name]:,}.")
        if until.tzinfo is None or until <= datetime.now(UTC):
            raise BadInput("Choose an end that is still to come.")
        with self._database.transaction() as connection:
            before = _held(connection, user_id, name)
            limits.put(connection, user_id, name, value=value, reason=reason, until=until, set_by=actor.id)
            after = {"value": value, "until": until.isoformat()}
            details = {"limit": name, "before": _told(before), "after": after}
            _note(connection, actor, user_id, "limit set", reason=reason, details=details)
        self._own_until = 0.0

    @use_case(Action.MANAGE)
    def lift_override(self, actor: User, user_id: int, name: LimitName, *, reason: str) -> None:
        """Everybody's limit again. Raises NotFound, BadInput without a reason, IllegalMove where it is everybody's."""
        reason = require_reason(reason)
        with self._database.transaction() as connection:
            before = _held(connection, user_id, name)
            if before is None:
                raise IllegalMove("This limit is everybody's already.")
            limits.delete(connection, user_id, name)
            details = {"limit": name, "before": _told(before), "after": None}
            _note(connection, actor, user_id, "limit lifted", reason=reason, details=details)
        self._own_until = 0.0

    def close(self) -> None:
        """Write what was refused and is not on record yet."""
        if self._writing is not None:
            self._writing.cancel()
        self._write_refusals()

    def _own_limit(self, user_id: int) -> Override | None:
        """The user's own limit of requests. While Postgres does not answer, what was known last holds on."""
        now = time.monotonic()
        with self._lock:
            is_old = now >= self._own_until
            if is_old:  # the others go on with what is known until this one has asked
                self._own_until = now + OVERRIDES_SECONDS
        if is_old:
            try:
                with self._database.statement() as connection:
                    self._own = {row.user_id: row for row in limits.of_requests(connection)}
            except BacklotError as error:
                log.warning("limits_not_read", reason=str(error))
        own = self._own.get(user_id)
        return own if own is not None and own.until > datetime.now(UTC) else None

    def _requests_used(self, spent: Spent, limit: int, own: Override | None) -> LimitUse:
        free_at = None if spent.frees_in is None else datetime.now(UTC) + timedelta(seconds=spent.frees_in)
        return LimitUse(
            name=LimitName.REQUESTS,
            limit=limit,
            used=spent.used,
            window=self._window,
            free_at=own.until if own is not None and own.value == 0 else free_at,
            overridden_until=None if own is None else own.until,
            reason=None if own is None else own.reason,
        )

    def _write_refusals(self) -> None:
        with self._lock:
            counts, self._refused, self._writing = self._refused, Counter(), None
        if not counts:
            return
        try:
            with self._database.transaction() as connection:
                limits.add_refusals(connection, counts)
        except BacklotError as error:
            log.warning("refusals_not_recorded", count=counts.total(), reason=str(error))


class _Limited(Protocol):
    """A service whose actions spend requests."""

    _limits: Limits


Service = TypeVar("Service", bound=_Limited)


def spends_request(
    method: Callable[Concatenate[Service, User, Arguments], Result],
) -> Callable[Concatenate[Service, User, Arguments], Result]:
    """Says of a use case that it spends one request of the user who asks."""

    @functools.wraps(method)
    def spending(service: Service, user: User, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with service._limits.request(user):
            return method(service, user, *args, **kwargs)

    return spending


def _too_many(use: LimitUse) -> LimitReached:
    wait = 1.0 if use.free_at is None else seconds_until(use.free_at)
    message = f"You have done {use.limit:,} things within a minute. Go on in {in_words(wait)}."
    if use.limit == 0:
        message = "An admin has stopped what you may do here for a while. Ask them when you may go on."
    return LimitReached(message, retry_after=wait, limit=LimitName.REQUESTS)


def _quota_used(name: LimitName, use: QuotaUse, window: float) -> LimitUse:
    return LimitUse(
        name=name,
        limit=use.at_most,
        used=use.used,
        window=window,
        free_at=use.free_at,
        overridden_until=use.overridden_until,
        reason=use.reason,
    )


def _held(connection: Connection, user_id: int, name: LimitName) -> Override | None:
    """The user's own limit, that nobody else changes now. Raises NotFound."""
    if not quotas.lock_user(connection, user_id):
        raise unseen("user")
    return next((row for row in limits.of_user(connection, user_id) if row.name is name), None)


def _told(override: Override | None) -> Mapping[str, object] | None:
    return None if override is None else {"value": override.value, "until": override.until.isoformat()}


def _note(
    connection: Connection, actor: User, user_id: int, action: str, *, reason: str, details: Mapping[str, object]
) -> None:
    events.append(connection, actor=f"user:{actor.id}", action=action, user_id=user_id, reason=reason, details=details)


__all__ = ["LimitUse", "Limits", "LimitsView", "Override", "Refusals", "spends_request"]
