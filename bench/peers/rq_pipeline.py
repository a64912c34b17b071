"""Stock RQ doing a video's six stages: jobs that depend on each other and tell how far they are by their meta.

Says `ready` once its worker waits, enqueues when a line comes, and checks when a second comes. REDIS_URL names the
server.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

import redis
from rq import Queue, get_current_job
from rq.job import Job
from rq_calls import wait_for_workers, worker  # type: ignore[import-not-found]  # it lies beside this script

QUEUE = "peer-pipeline"
UPDATES = 7  # of meta in each of the six jobs
AFTER: dict[str, tuple[str, ...]] = {
    "probe": (),
    "transcribe": ("probe",),
    "thumbnails": ("probe",),
    "analyze": ("transcribe",),
    "clips": ("analyze",),
    "posts": ("analyze",),
}


def stage() -> None:
    """The job: nothing but telling how far it is."""
    rq_job = get_current_job()
    assert rq_job is not None
    for number in range(UPDATES):
        rq_job.meta["percent"] = 100 * number // UPDATES
        rq_job.save_meta()  # type: ignore[no-untyped-call]


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    url = os.environ["REDIS_URL"]
    queue = Queue(QUEUE, connection=redis.Redis.from_url(url))
    with ExitStack() as stack:
        worker(stack, url, QUEUE)
        wait_for_workers(queue, 1)
        say("ready")
        sys.stdin.readline()
        rq_jobs: dict[str, Job] = {}
        for name, before in AFTER.items():
            rq_jobs[name] = queue.enqueue("rq_pipeline.stage", depends_on=[rq_jobs[other] for other in before])
        say("enqueued")
        sys.stdin.readline()
        say(f"{queue.finished_job_registry.count} finished")


if __name__ == "__main__":
    main()
