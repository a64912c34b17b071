"""Limits without a store: what is left is what a test says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from services.durations import DAY, HOUR, MINUTE
from services.errors import LimitReached
from services.limits import LimitsView, LimitUse, Override, Refusals
from services.model import LimitName, User


def a_view() -> LimitsView:
    return LimitsView(
        requests=LimitUse(name=LimitName.REQUESTS, limit=100, used=3, window=MINUTE),
        jobs=LimitUse(name=LimitName.JOBS, limit=10, used=2, window=HOUR),
        uploads=LimitUse(name=LimitName.UPLOADS, limit=50, used=3, window=DAY),
    )


@dataclass
class FakeLimits:
    """spent counts requests, also those that were given back; used_up says of a limit that nothing is left."""

    view: LimitsView = field(default_factory=a_view)
    spent: int = 0
    by_user: dict[int, list[Override]] = field(default_factory=dict)

    @contextmanager
    def request(self, user: User) -> Iterator[LimitUse]:
        if not self.view.requests.left:
            raise LimitReached(
                f"You have done {self.view.requests.limit} things within a minute. Go on in 12 s.",
                retry_after=12.0,
                limit=LimitName.REQUESTS,
            )
        self.spent += 1
        self.view = replace(self.view, requests=replace(self.view.requests, used=self.view.requests.used + 1))
        yield self.view.requests

    def of(self, user: User) -> LimitsView:
        return self.view

    def use_up(self, name: LimitName, *, free_in: timedelta = timedelta(minutes=5)) -> None:
        """Nothing is left of a limit until then."""
        use: LimitUse = getattr(self.view, name)
        at_its_end = replace(use, used=use.limit, free_at=datetime.now(UTC) + free_in)
        self.view = replace(self.view, **{name.value: at_its_end})

    def overrides(self, actor: User, user_id: int) -> tuple[Override, ...]:
        return tuple(self.by_user.get(user_id, ()))

    def set_override(
        self, actor: User, user_id: int, name: LimitName, *, value: int, reason: str, until: datetime
    ) -> None:
        self.lift_override(actor, user_id, name, reason=reason)
        override = Override(
            user_id=user_id,
            name=name,
            value=value,
            reason=reason,
            until=until,
            set_by=actor.name,
            set_at=datetime.now(UTC),
        )
        self.by_user.setdefault(user_id, []).append(override)

    def lift_override(self, actor: User, user_id: int, name: LimitName, *, reason: str) -> None:
        self.by_user[user_id] = [one for one in self.by_user.get(user_id, []) if one.name is not name]

    def refusals(self, actor: User, *, since: datetime) -> tuple[Refusals, ...]:
        return ()
