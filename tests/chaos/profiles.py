"""Which faults a run is made of.

There is no profile for skewed clocks: every time that is compared with another is Postgres's own, and the processes of
this harness share one machine's clock, so that a run could only shift what nothing reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT = {
    "kill_worker": 5,
    "kill_child": 5,
    "kill_host": 3,
    "kill_after_commit": 3,
    "kill_web": 2,
    "kill_supervisor": 1,
    "kill_postgres": 3,
    "kill_valkey": 3,
    "end_sweeper": 3,
    "pause_worker": 3,
    "freeze_host": 3,
    "stall_postgres": 2,
    "cut": 3,
    "hang": 3,
    "slow": 3,
    "cut_at_accept": 2,
    "flush": 3,
    "fill_valkey": 1,
    "repeat_wakes": 2,
}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """weights of the faults; poison is every how manieth pipeline is poison; wakes is how often each wake is sent."""

    weights: Mapping[str, int] = field(default_factory=lambda: DEFAULT)
    poison_every: int = 37
    wakes: int = 1


PROFILES: Mapping[str, Profile] = {
    "default": Profile(),
    "netcut": Profile(weights={"cut": 4, "hang": 3, "slow": 3, "cut_at_accept": 2, "kill_worker": 1}),
    "slowdisk": Profile(weights={"stall_postgres": 6, "kill_postgres": 2, "pause_worker": 1, "kill_worker": 1}),
    "oom": Profile(weights={"fill_valkey": 6, "kill_worker": 1, "kill_valkey": 1, "flush": 1}),
    "storm": Profile(weights=DEFAULT | {"repeat_wakes": 20}, poison_every=25, wakes=4),
}
