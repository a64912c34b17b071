"""Every benchmark there is, one after the other: `python -m bench`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

from bench.figures import Figure, answer
from bench.report import say

BENCHMARKS = (
    "start",
    "pipeline",
    "live",
    "playing",
    "inflight",
    "drain",
    "commands",
    "limits",
    "upload",
    "first_load",
    "videos_page",
)


def measured(name: str) -> tuple[dict[str, Figure], bool]:
    """A benchmark's figures, and whether it came to its end; its progress and table go to standard error."""
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", "--json"], stdout=subprocess.PIPE, check=False, text=True
    )
    lines = done.stdout.splitlines()
    return (json.loads(lines[-1]) if lines else {}), done.returncode == 0


def main() -> int:
    """Returns 1 when a benchmark did not come to its end. In the JSON a figure bears its benchmark's name too."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON, last, on standard output")
    arguments = parser.parse_args()
    figures: dict[str, Figure] = {}
    failed: list[str] = []
    for name in BENCHMARKS:
        found, ended = measured(name)
        figures |= {f"{name}.{figure}": value for figure, value in found.items()}
        if not ended:
            failed.append(name)
    say(f"Did not come to their end: {', '.join(failed)}." if failed else "All benchmarks came to their end.")
    if arguments.json:
        sys.stdout.write(f"{answer(figures)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
