"""Breaks the whole product while it works, and counts what was lost: `python -m tests.chaos --json`.

The product's own supervisor, workers and web server on real stores; most stages are virtual, some pipelines real from
the upload to the clip. Progress on standard error; with --json one line of JSON at the end. `--plant BUG` runs with a
bug planted; `--planted` plants each in turn, and fails unless the checker sees every one.
"""

from __future__ import annotations

import argparse
import json
import sys

from services.logs import configure
from services.settings import Settings
from tests.chaos import planted
from tests.chaos.plants import PLANTS, plant_named
from tests.chaos.profiles import PROFILES
from tests.chaos.run import Plan, Result, run

REAL = 25


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--pipelines", type=int, default=500)
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--profile", choices=PROFILES, default="default")
    parser.add_argument("--plant", choices=[plant.name for plant in PLANTS])
    parser.add_argument("--planted", action="store_true", help="every planted bug, each in a small run aimed at it")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    configure(Settings(_env_file=None), level="ERROR")
    if arguments.planted:
        return planted.run_all(say, as_json=arguments.json)
    clean = True
    for seed in arguments.seed:
        plan = Plan(
            pipelines=arguments.pipelines,
            faults=arguments.faults,
            seed=seed,
            profile=PROFILES[arguments.profile],
            plant=plant_named(arguments.plant) if arguments.plant else None,
            real=max(2, min(REAL, arguments.pipelines // 20)),
        )
        result = run(plan, say=say)
        show(result)
        if arguments.json:
            sys.stdout.write(json.dumps(result.figures) + "\n")
            sys.stdout.flush()
        clean = clean and result.is_clean
    return 0 if clean else 1


def show(result: Result) -> None:
    """The figures, and what broke with its rows and the ends of the logs."""
    for name, value in result.figures.items():
        say(f"{name:18} {value}")
    if result.broken:
        say(result.log_ends)
    for rule, rows in result.broken.items():
        say(f"BROKEN: {rule} ({len(rows)})")
        for row in rows[:5]:
            say(f"    {row}")


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
