"""Stages a second through the whole path, beside procrastinate: `python -m bench.drain --stages 5000 [--rtt-ms 31]`."""

from __future__ import annotations

import argparse
import sys

from bench.ai_fleet import AiFleet, ai_fleet
from bench.figures import Figure
from bench.fleet import temporary_home
from bench.peers import procrastinate_s
from bench.report import run, say
from services.model import JobKind

NAMES = ("stages_s", "rtt_ms", "procrastinate_s")
LEAST = 2500.0
LEAST_FAR = 300.0  # with a round trip before both servers
TIMES_PROCRASTINATE = 3.0
STAGES_A_JOB = 2  # analyze, then posts, on a video that is transcribed already
TOGETHER = 25  # each of 100 users runs a kind again on 25 videos
PEER_JOBS = 1000  # two tasks each
# As many as keep the workers busy: far servers make each submit wait for its round trips.
ACCEPTING = {"processes": 2, "threads": 4}
ACCEPTING_FAR = {"processes": 8, "threads": 5}
LIMIT = 300.0  # seconds


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    figures["rtt_ms"] = arguments.rtt_ms
    jobs = arguments.stages // STAGES_A_JOB
    with temporary_home() as home, ai_fleet(home, rtt_ms=arguments.rtt_ms) as fleet:
        done = STAGES_A_JOB * fleet.warm_up(JobKind.POSTS)
        figures["stages_s"] = ours = _drain(fleet, jobs, arguments, done=done)
        if arguments.rtt_ms:
            say("  procrastinate is not measured with a round trip: it would take minutes")
            return
        figures["procrastinate_s"] = theirs = procrastinate_s(
            fleet.services.database, fleet.addresses.database_url, jobs=PEER_JOBS, together=arguments.together
        )
    times = ours / theirs
    say(f"  {times:.1f} times procrastinate; target ≥ {TIMES_PROCRASTINATE:g}  {_met(times)}")


def _drain(fleet: AiFleet, jobs: int, arguments: argparse.Namespace, *, done: int) -> float:
    """Stages a second of so many jobs, checked. done stages were recorded before."""
    orders = fleet.orders(jobs, JobKind.POSTS, together=arguments.together)
    say(f"  {jobs} videos are ready, each for {STAGES_A_JOB} stages; {arguments.together} are submitted in one call")
    with fleet.accepting(orders, **(ACCEPTING_FAR if arguments.rtt_ms else ACCEPTING)) as ready:
        accepted = ready.submit()
        ended = fleet.wait_until_done(LIMIT)
    say(f"  accepted in {accepted.ended - accepted.began:.2f} s, recorded in {ended - accepted.began:.2f} s")
    fleet.check(done + jobs * STAGES_A_JOB)
    return jobs * STAGES_A_JOB / (ended - accepted.began)


def _met(times: float) -> str:
    return "met" if times >= TIMES_PROCRASTINATE else "MISSED"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.drain", description=__doc__)
    parser.add_argument("--stages", type=int, default=5000)
    parser.add_argument("--together", type=int, default=TOGETHER, help="jobs that a user submits in one call")
    parser.add_argument("--rtt-ms", type=float, default=0.0, help="of round trip to Redis and to Postgres")
    far = parser.parse_known_args()[0].rtt_ms > 0
    return run(parser, measure, names=NAMES, limits={}, least={"stages_s": LEAST_FAR if far else LEAST})


if __name__ == "__main__":
    sys.exit(main())
