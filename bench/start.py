"""How soon an upload is accepted, and its first stage runs, on an idle fleet: `python -m bench.start --jobs 100`."""

from __future__ import annotations

import argparse
import sys
import time
from uuid import UUID

from sqlalchemy import text

from bench.client import Client
from bench.figures import Figure, percentile
from bench.fleet import Fleet, fleet, temporary_home
from bench.footage import tiny
from bench.report import Wrong, run, say
from services.model import JobState, StageName, StageState, User

NAMES = ("accepted_p95_ms", "running_p50_ms", "running_p95_ms")
LIMITS = {"accepted_p95_ms": 300.0, "running_p50_ms": 20.0}
FLEET = {
    "BACKLOT_MEDIA_WORKERS": "2",
    "BACKLOT_AI_WORKERS": "1",
    "BACKLOT_JOBS_PER_HOUR": "1000000",
    "BACKLOT_UPLOADS_PER_DAY": "1000000",
    "BACKLOT_REQUESTS_PER_MINUTE": "1000000",
}
FIRST_LOOK = 0.25  # seconds after the answer in which nothing but the product runs
JOB_LIMIT = 60.0  # seconds
IDLE = 0.25  # seconds for every worker to be listening again
WARM_UP = 3  # jobs that are not counted: a fresh process's first request fills its pools

# Both moments are Postgres's own clock, taken inside a transaction shortly before it commits: what lies between them
# is one commit, the ring, and the claim.
RUNNING = """
    select extract(epoch from min(a.started_at) - (
        select at from events where job_id = :job and action = 'job accepted'))::float8
    from attempts a join stages s on s.id = a.stage_id where s.job_id = :job
"""


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    accepted: list[float] = []
    running: list[float] = []
    with temporary_home() as home, fleet(home, FLEET) as product:
        user = product.new_user("bench")
        client = Client(product.address, product.services.sessions.issue_ticket(user))
        video = tiny(home / "tiny.mp4")
        for number in range(-WARM_UP, arguments.jobs):
            sent = client.upload(video, name=f"tiny-{number}.mp4")
            time.sleep(FIRST_LOOK)
            _wait_until_done(product, user, sent.job_id)
            if number >= 0:
                accepted.append(1000 * sent.accepted_s)
                running.append(1000 * _running_s(product, sent.job_id))
            if accepted and len(accepted) % 10 == 0:
                say(f"  {len(accepted)} jobs: accepted in {accepted[-1]:.1f} ms, running after {running[-1]:.1f} ms")
            time.sleep(IDLE)
    say(f"  accepted p50 {percentile(accepted, 50):.1f} ms, slowest {max(accepted):.1f} ms")
    figures["accepted_p95_ms"] = percentile(accepted, 95)
    figures["running_p50_ms"] = percentile(running, 50)
    figures["running_p95_ms"] = percentile(running, 95)


def _wait_until_done(product: Fleet, user: User, job_id: UUID) -> None:
    """Raises Wrong unless the job succeeds, and its probe with it."""
    deadline = time.monotonic() + JOB_LIMIT
    while (job := product.services.operations.job(user, job_id)).state in {JobState.QUEUED, JobState.RUNNING}:
        if time.monotonic() > deadline:
            raise Wrong(f"The job {job_id} is still {job.state} after {JOB_LIMIT:.0f} s.")
        time.sleep(0.05)
    states = {stage.name: stage.state for stage in job.stages}
    if job.state is not JobState.SUCCEEDED or states[StageName.PROBE] is not StageState.SUCCEEDED:
        raise Wrong(f"The job {job_id} {job.state}: {states}.")


def _running_s(product: Fleet, job_id: UUID) -> float:
    with product.services.database.transaction() as connection:
        seconds: float = connection.execute(text(RUNNING), {"job": job_id}).scalar_one()
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.start", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100)
    return run(parser, measure, names=NAMES, limits=LIMITS)


if __name__ == "__main__":
    sys.exit(main())
