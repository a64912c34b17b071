"""The arithmetic of the benchmarks, and the form of their answers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.model import PLAN, StageName

Figure = int | float | bool | str | Mapping[str, float] | None


@dataclass(frozen=True, kw_only=True)
class Alone:
    """One stage run by itself: seconds on the wall, and CPU-seconds of its process and that one's children."""

    wall_s: float
    cpu_s: float


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest value that at least so many percent of the values do not exceed (nearest rank); None of none."""
    if not values:
        return None
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(0, rank - 1)]


def critical_path(walls: Mapping[StageName, float]) -> float:
    """Seconds of the longest path through the plan; a stage that did not run takes none."""
    ends: dict[StageName, float] = {}
    for name, plan in PLAN.items():  # the plan names every stage after those it waits for
        ends[name] = walls.get(name, 0.0) + max((ends[before] for before in plan.after), default=0.0)
    return max(ends.values())


def floor(alone: Mapping[StageName, Alone], *, cores: int) -> float:
    """Seconds below which no schedule gets: the work spread over all cores, or the longest path if that is longer."""
    cpu = sum(stage.cpu_s for stage in alone.values())
    return max(cpu / cores, critical_path({name: stage.wall_s for name, stage in alone.items()}))


def answer(figures: Mapping[str, Figure]) -> str:
    """The one line of JSON: what was not measured is null. Raises ValueError for a figure that is no number."""
    return json.dumps({name: _rounded(figure) for name, figure in figures.items()}, allow_nan=False)


def _rounded(figure: Figure) -> Figure:
    if isinstance(figure, float):
        return round(figure, 3)
    if isinstance(figure, Mapping):
        return {name: round(value, 3) for name, value in figure.items()}
    return figure
