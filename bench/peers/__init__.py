"""Other queues, measured beside the product. Their scripts here run in `.venv-bench` and import nothing of ours."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import text

from bench.report import Wrong
from services.database import Database

FOLDER = Path(__file__).parent
PYTHON = FOLDER.parents[1] / ".venv-bench" / "bin" / "python"

PROCRASTINATE_WORKERS = 2
PROCRASTINATE_WARM_UP = 50  # jobs that are not counted
WORKERS_ARE_THERE = "select count(*) from peer.procrastinate_workers"
IS_LEFT = """
    select (select count(*) from peer.procrastinate_jobs where status in ('todo', 'doing'))
        + (select count(*) from peer.stages where state <> 'succeeded')
"""
WRITTEN = """
    select (select count(*) from peer.stages) as stages, (select count(*) from peer.attempts) as attempts,
        (select count(*) from peer.outputs) as outputs,
        (select count(*) from peer.events where action = 'stage succeeded') as events
"""
LIMIT = 300.0  # seconds
LOOK = 0.02


def ask_peer(script: str, *arguments: str, environment: Mapping[str, str]) -> Any:
    """The last line of JSON that a peer's script says. Secrets go by the environment. Raises Wrong when it fails."""
    done = subprocess.run(command(script, *arguments), env=environment, stdout=subprocess.PIPE, check=False, text=True)
    if done.returncode != 0:
        raise Wrong(f"The peer {script} failed; its last words are above.")
    return json.loads(done.stdout.splitlines()[-1])


def rq_jobs_s(redis_url: str, *, api: str, jobs: int, forks: int) -> float:
    """Jobs a second of stock RQ, each one call of the API, with so many forking workers."""
    arguments = ("--api", api, "--jobs", str(jobs), "--forks", str(forks))
    return float(ask_peer("rq_calls.py", *arguments, environment={"REDIS_URL": _own_space(redis_url)})["jobs_s"])


def procrastinate_s(database: Database, database_url: str, *, jobs: int, together: int) -> float:
    """Stages a second of procrastinate with two workers and the same writes, on the same server.

    together is how many jobs are accepted in one transaction.
    """
    script = "procrastinate_stages.py"
    parts = urlsplit(database_url)
    url = urlunsplit(parts._replace(scheme="postgresql", query="options=-csearch_path%3Dpeer"))
    environment = {"DATABASE_URL": url}
    with database.transaction() as connection:
        connection.execute(text("create schema peer"))
        connection.execute(text("set local search_path = peer"))
        connection.exec_driver_sql(FOLDER.joinpath("tables.sql").read_text())
    subprocess.run(command(script, "schema"), env=environment, check=True)
    with ExitStack() as stack:
        for _ in range(PROCRASTINATE_WORKERS):
            stack.enter_context(_running(script, "work", environment=environment))
        _wait_for(database, WORKERS_ARE_THERE, PROCRASTINATE_WORKERS)
        ask_peer(script, "accept", str(PROCRASTINATE_WARM_UP), str(together), environment=environment)
        _wait_for(database, IS_LEFT, 0)
        began = float(ask_peer(script, "accept", str(jobs), str(together), environment=environment)["began"])
        ended = _wait_for(database, IS_LEFT, 0)
    with database.transaction() as connection:
        written = connection.execute(text(WRITTEN)).one()._asdict()
    expected = 2 * (jobs + PROCRASTINATE_WARM_UP)
    if set(written.values()) != {expected}:
        raise Wrong(f"Of {expected} stages procrastinate wrote {written}.")
    return 2 * jobs / (ended - began)


def _wait_for(database: Database, query: str, count: int) -> float:
    """The monotonic time at which the query counts so many. Raises Wrong when it does not within the limit."""
    deadline = time.monotonic() + LIMIT
    with database.statement() as connection:
        while connection.execute(text(query)).scalar_one() != count:
            if time.monotonic() > deadline:
                raise Wrong(f"procrastinate did not come to its end within {LIMIT:.0f} s.")
            time.sleep(LOOK)
    return time.monotonic()


def command(script: str, *arguments: str) -> list[str]:
    """Raises Wrong when the peers' environment is not there."""
    if not PYTHON.exists():
        raise Wrong("The peers are not installed: run `make setup`.")
    return [str(PYTHON), str(FOLDER / script), *arguments]


def _own_space(redis_url: str) -> str:
    """The same server's second space, so that no key of the product is in the way."""
    return urlunsplit(urlsplit(redis_url)._replace(path="/1"))


@contextmanager
def _running(script: str, *arguments: str, environment: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command(script, *arguments), env=environment)
    try:
        yield
    finally:
        process.kill()
        process.wait()
