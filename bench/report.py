"""How every benchmark runs: progress and a table on standard error, one line of JSON last on standard output."""

from __future__ import annotations

import argparse
import operator
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from bench.figures import Figure, answer
from services.errors import BacklotError

# Fills in the figures as it measures them, so that what was measured before a failure is told.
Measure = Callable[[argparse.Namespace, dict[str, Figure]], None]


NO_TARGETS: Mapping[str, float] = MappingProxyType({})


class Wrong(Exception):
    """The product did not make what it should have made, so its time counts for nothing."""


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run(
    parser: argparse.ArgumentParser,
    measure: Measure,
    *,
    names: Sequence[str],
    limits: Mapping[str, float],
    least: Mapping[str, float] = NO_TARGETS,
    words: Sequence[str] | None = None,
) -> int:
    """Measure, and report the figures of these names. Returns 1 when the benchmark did not come to its end.

    The targets: a figure should not exceed its limit, nor fall below its least.
    """
    parser.add_argument("--json", action="store_true", help="one line of JSON, last, on standard output")
    arguments = parser.parse_args(words)
    figures: dict[str, Figure] = dict.fromkeys(names)
    signal.signal(signal.SIGTERM, _stop)
    code = 0
    say(f"{parser.prog}: load {_load()} on {os.cpu_count()} cores")
    try:
        measure(arguments, figures)
    except (Wrong, BacklotError) as error:
        say(f"{parser.prog} failed: {error}")
        code = 1
    if set(figures) != set(names):
        raise ValueError(f"{parser.prog} measured figures that it does not name: {sorted(set(figures) - set(names))}")
    say(table(figures, limits, least))
    say(f"{parser.prog}: load {_load()} at the end")
    if arguments.json:
        sys.stdout.write(f"{answer(figures)}\n")
        sys.stdout.flush()
    return code


def table(figures: Mapping[str, Figure], limits: Mapping[str, float], least: Mapping[str, float] = NO_TARGETS) -> str:
    """One line for each figure, with its target beside it."""
    lines = []
    for name, figure in figures.items():
        if isinstance(figure, Mapping):
            lines += [f"  {f'{name}.{part}':<28}{value:>12.3f}" for part, value in figure.items()]
            continue
        shown = "not measured" if figure is None else f"{figure:.3f}" if isinstance(figure, float) else str(figure)
        judged = ""
        if (limit := limits.get(name)) is not None:
            judged += f"   target ≤ {limit:g}" + _verdict(figure, limit, operator.le)
        if (bound := least.get(name)) is not None:
            judged += f"   target ≥ {bound:g}" + _verdict(figure, bound, operator.ge)
        lines.append(f"  {name:<28}{shown:>12}{judged}")
    return "\n".join(lines)


def _verdict(figure: Figure, target: float, holds: Callable[[float, float], bool]) -> str:
    if not isinstance(figure, int | float):
        return ""
    return "  met" if holds(figure, target) else "  MISSED"


def _load() -> str:
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(143)  # so that every server and process of the benchmark is ended on the way out
