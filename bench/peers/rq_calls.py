"""Stock RQ with forking workers: jobs that call an API. REDIS_URL names the server."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import redis
from rq import Queue, Worker

QUEUE = "peer-calls"
START_LIMIT = 60.0  # seconds
LIMIT = 600.0
LOOK = 0.05


def call(api: str) -> int:
    """The job: one call of the slow API."""
    connection = HTTPConnection(api, timeout=60)
    connection.request("POST", "/", b"{}")
    return len(connection.getresponse().read())


def worker(stack: ExitStack, url: str, queue: str) -> None:
    """Start one stock worker; it ends with the stack."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rq.cli", "worker", "--path", str(Path(__file__).parent), "--quiet", queue],
        env=os.environ | {"RQ_REDIS_URL": url},
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)


def wait_for_workers(queue: Queue, count: int) -> None:
    deadline = time.monotonic() + START_LIMIT
    while len(Worker.all(queue=queue)) < count:
        if time.monotonic() > deadline:
            raise TimeoutError("the workers did not start")
        time.sleep(LOOK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", required=True)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--forks", type=int, required=True)
    arguments = parser.parse_args()
    url = os.environ["REDIS_URL"]
    queue = Queue(QUEUE, connection=redis.Redis.from_url(url))
    with ExitStack() as stack:
        for _ in range(arguments.forks):
            worker(stack, url, QUEUE)
        wait_for_workers(queue, arguments.forks)
        began = time.monotonic()
        for _ in range(arguments.jobs):
            queue.enqueue("rq_calls.call", arguments.api)
        while (done := queue.finished_job_registry.count) < arguments.jobs:
            if queue.failed_job_registry.count or time.monotonic() - began > LIMIT:
                raise SystemExit(f"{done} of {arguments.jobs} jobs succeeded")
            time.sleep(LOOK)
        ended = time.monotonic()
    sys.stdout.write(json.dumps({"jobs_s": arguments.jobs / (ended - began)}) + "\n")


if __name__ == "__main__":
    main()
