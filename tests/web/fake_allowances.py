"""Limits without a store: what is left is what a test says."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.allowances import Allowance
from services.model import User


@dataclass
class FakeAllowances:
    left: Allowance = field(
        default_factory=lambda: Allowance(
            uploads_left=47,
            uploads_per_day=50,
            uploads_free_at=None,
            jobs_left=8,
            jobs_per_hour=10,
            jobs_free_at=None,
        )
    )

    def of(self, user: User) -> Allowance:
        return self.left
