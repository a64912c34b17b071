"""How many stages run at once, beside stock RQ: `python -m bench.inflight --jobs 1000 --seconds 3`."""

from __future__ import annotations

import argparse
import sys

from sqlalchemy import text

from bench.ai_fleet import ai_fleet
from bench.figures import Figure
from bench.fleet import temporary_home
from bench.memory import Peaks
from bench.peers import rq_jobs_s
from bench.report import Wrong, run, say
from bench.sampling import sampled
from bench.stub_api import stub_api
from services.database import Database
from services.model import JobKind

NAMES = ("peak_in_flight", "peak_running_rows", "wall_s", "workers_mib", "rq_jobs_s", "ratio_to_rq")
JOBS, SECONDS = 1000, 3.0
TOGETHER = 10  # each of 100 users runs a kind again on 10 videos
LIMITS = {"wall_s": 4.5, "workers_mib": 300.0}
LEAST = {"peak_in_flight": float(JOBS), "peak_running_rows": float(JOBS)}
RQ_JOBS = 64
RQ_FORKS = 8
ACCEPTING = {"processes": 2, "threads": 4}
SAMPLE = 0.05  # seconds
MEMORY_SAMPLE = 0.2
LIMIT = 120.0

RUNNING = """
    select count(*) from stages s join attempts a on a.stage_id = s.id and a.token = s.token
    where s.queue = 'ai' and s.state = 'running' and a.outcome is null
"""


class RunningRows:
    """The highest count, of all looks, of running stages with an open attempt."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.peak = 0

    def look(self) -> None:
        with self._database.statement() as connection:
            self.peak = max(self.peak, connection.execute(text(RUNNING)).scalar_one())


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    with (
        temporary_home() as home,
        stub_api(seconds=arguments.seconds) as api,
        ai_fleet(home, api=api.address) as fleet,
    ):
        warm = fleet.warm_up(JobKind.ANALYZE)
        orders = fleet.orders(arguments.jobs, JobKind.ANALYZE, together=arguments.together)
        say(
            f"  {arguments.jobs} videos are ready, each for one stage of {arguments.seconds:g} s; "
            f"{arguments.together} are submitted in one call"
        )
        before = api.counts().answered
        rows, memory = RunningRows(fleet.services.database), Peaks(fleet.workers)
        with (
            fleet.accepting(orders, **ACCEPTING) as ready,
            sampled(rows.look, every=SAMPLE),
            sampled(memory.look, every=MEMORY_SAMPLE),
        ):
            accepted = ready.submit()
            ended = fleet.wait_until_done(LIMIT)
        say(f"  accepted in {accepted.ended - accepted.began:.2f} s, recorded in {ended - accepted.began:.2f} s")
        fleet.check(arguments.jobs + warm)
        counts = api.counts()
        if counts.answered - before != arguments.jobs:
            raise Wrong(f"The API was called {counts.answered - before} times for {arguments.jobs} jobs.")
        figures["peak_in_flight"] = counts.peak
        figures["peak_running_rows"] = rows.peak
        figures["wall_s"] = wall = ended - accepted.began
        figures["workers_mib"] = sum(memory.mib.values())
        say(f"  stock RQ: {RQ_JOBS} jobs with {RQ_FORKS} forks")
        figures["rq_jobs_s"] = theirs = rq_jobs_s(
            fleet.addresses.redis_url, api=api.address, jobs=RQ_JOBS, forks=RQ_FORKS
        )
        figures["ratio_to_rq"] = arguments.jobs / wall / theirs


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.inflight", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="that one call of the API takes")
    parser.add_argument("--together", type=int, default=TOGETHER, help="jobs that a user submits in one call")
    return run(parser, measure, names=NAMES, limits=LIMITS, least=LEAST)


if __name__ == "__main__":
    sys.exit(main())
