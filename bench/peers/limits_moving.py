"""The moving window of the library `limits`, one process at a pace, from a line on stdin on. REDIS_URL: the server."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from limits import RateLimitItemPerMinute  # type: ignore[import-not-found]
from limits.storage import RedisStorage  # type: ignore[import-not-found]
from limits.strategies import MovingWindowRateLimiter  # type: ignore[import-not-found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--limit", "--checks", "--users", "--process"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--every", type=float, required=True)
    arguments = parser.parse_args()
    limiter = MovingWindowRateLimiter(RedisStorage(os.environ["REDIS_URL"]))
    item = RateLimitItemPerMinute(arguments.limit)
    limiter.hit(item, "warm-up")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    took = []
    began = time.perf_counter()
    for number in range(arguments.checks):
        time.sleep(max(0.0, began + number * arguments.every - time.perf_counter()))
        asked = time.perf_counter()
        limiter.hit(item, f"user-{(number * 4 + arguments.process) % arguments.users}")
        took.append(time.perf_counter() - asked)
    sys.stdout.write(json.dumps({"took": took}) + "\n")


if __name__ == "__main__":
    main()
