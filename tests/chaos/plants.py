"""Bugs to plant, so that the checker proves that it sees them: changed SQL functions, and changed Python of a process.

A change names the very text that it replaces: where the product no longer holds it, planting fails.
"""

from __future__ import annotations

import importlib
import inspect
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import psycopg
import sqlalchemy

from services.database import Database

LATE = 0.5  # seconds between an early answer and its commit


@dataclass(frozen=True, kw_only=True)
class SqlChange:
    """In the SQL function of this name the old text becomes the new."""

    function: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class PythonChange:
    """In the processes of one kind (worker, web) the source of a function, `module:Class.name` or `module:name`."""

    process: str
    function: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Plant:
    """dropped are guards that would refuse the bug's work: statements that fail where there is no such guard."""

    name: str
    sql: tuple[SqlChange, ...] = ()
    python: tuple[PythonChange, ...] = ()
    dropped: tuple[str, ...] = ()


@contextmanager
def committed_later(database: Database) -> Iterator[sqlalchemy.Connection]:
    """A transaction that commits some time after it seems to have ended."""
    connection = database.engine.connect()
    try:
        yield connection
    except BaseException:
        connection.close()
        raise

    def commit() -> None:
        connection.commit()
        connection.close()

    threading.Timer(LATE, commit).start()


# What plants call, put among the globals of the function that they change.
LENT = {"committed_later": committed_later}

OUTPUTS_INSERT = """        insert into outputs (stage_id, token, job_id, video_id, name, data)
        select s.id, s.token, s.job_id, s.video_id, s.name, i.data
        from jsonb_to_recordset(p_items) as i (stage_id bigint, data jsonb)
        join stages s on s.id = i.stage_id where s.id = any (v_succeeded);
"""
OUTPUTS_AFTERWARDS = """    ).one()
    connection.execute(
        text(
            "insert into outputs (stage_id, token, job_id, video_id, name, data)"
            " select s.id, s.token, s.job_id, s.video_id, s.name, i.data"
            " from jsonb_to_recordset(cast(:items as jsonb)) as i (stage_id bigint, token bigint, data jsonb)"
            " join stages s on s.id = i.stage_id and s.token = i.token and s.state = 'succeeded'"
        ),
        {"items": json.dumps([finish.as_item() for finish in finishes])},
    )
"""

PLANTS = (
    Plant(
        name="no fence and no beat",
        sql=(
            SqlChange(
                function="finish_many",
                old="s.id = i.stage_id and s.token = i.token and s.state = 'running'",
                new="s.id = i.stage_id",
            ),
        ),
        python=(
            PythonChange(
                process="worker",
                function="jobs.lease_keeper:LeaseKeeper._beat_for_ever",
                old="while True:",
                new="while False:",
            ),
            PythonChange(
                process="worker",
                function="jobs.lease_keeper:LeaseKeeper._is_overdue",
                old="return time.monotonic() - self._renewed_at > self._lease_seconds - GIVE_UP_BEFORE",
                new="return False",
            ),
        ),
        dropped=("drop trigger stages_move on stages", "drop trigger stages_final on stages"),
    ),
    Plant(
        name="output and state in two transactions",
        sql=(SqlChange(function="finish_many", old=OUTPUTS_INSERT, new=""),),
        python=(
            PythonChange(
                process="worker",
                function="services.records.stages:finish_many",
                old="    ).one()\n",
                new=OUTPUTS_AFTERWARDS,
            ),
        ),
    ),
    Plant(
        name="answer before commit",
        python=(
            PythonChange(
                process="web",
                function="services.uploads:Uploads.complete",
                old="with self._database.transaction() as connection:",
                new="with committed_later(self._database) as connection:",
            ),
        ),
    ),
    Plant(
        name="storage key without token",
        python=(
            PythonChange(
                process="worker",
                function="jobs.pipeline:_succeeded",
                old="{claim.stage_id}-{claim.token}/",
                new="{claim.stage_id}/",
            ),
            PythonChange(
                process="worker",
                function="services.storage:LocalStorage._new",
                old='    if path.exists():\n        raise FileExistsError(f"{key} is already kept")\n',
                new="",
            ),
        ),
    ),
    Plant(
        name="cancel that keeps the token",
        sql=(
            SqlChange(
                function="cancel_job",
                old="token = s.token + case when u.was = 'running' then 1 else 0 end",
                new="token = s.token",
            ),
        ),
        dropped=("drop trigger stages_move on stages",),
    ),
    Plant(
        name="sweeper blind to expired leases",
        sql=(
            SqlChange(
                function="sweep",
                old="select id from leases where expires_at <= clock_timestamp() for update",
                new="select id from leases where false for update",
            ),
        ),
    ),
    Plant(
        name="quota outside the transaction",
        python=(
            PythonChange(
                process="web",
                function="services.uploads:Uploads._accept",
                old="    quotas.use_upload(connection, user.id, video_id=video_id)\n",
                new="    with self._database.transaction() as apart:\n"
                "        quotas.use_upload(apart, user.id, video_id=video_id)\n",
            ),
        ),
        dropped=("alter table quota_uses drop constraint quota_uses_video_id_fkey",),
    ),
)


def plant_named(name: str) -> Plant:
    """Raises LookupError."""
    for plant in PLANTS:
        if plant.name == name:
            return plant
    raise LookupError(f"there is no planted bug {name!r}; there are: {', '.join(plant.name for plant in PLANTS)}")


def plant_in_database(plant: Plant, url: str) -> None:
    """Change the functions of a run's own database. Raises LookupError where the text to change is gone."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for change in plant.sql:
            row = connection.execute("select pg_get_functiondef(%s::regproc)", [change.function]).fetchone()
            source = row[0] if row else ""
            connection.execute(_changed(source, change.old, change.new, change.function))
        for statement in plant.dropped:
            connection.execute(statement)


def plant_in_process(name: str, process: str) -> None:
    """Change this process's Python, when the plant of this name has to do with this kind of process."""
    if not name:
        return
    for change in plant_named(name).python:
        if change.process == process:
            owner, function, source = _found(change)
            namespace: dict[str, object] = {}
            code = compile(f"from __future__ import annotations\n{source}", f"planted {change.function}", "exec")
            function.__globals__.update(LENT)
            exec(code, function.__globals__, namespace)  # noqa: S102  our own source, changed
            setattr(owner, function.__name__, namespace[function.__name__])


def require_plantable(plant: Plant) -> None:
    """Raises LookupError where the Python to change is gone; the database says the same for itself."""
    for change in plant.python:
        _found(change)


def _found(change: PythonChange) -> tuple[Any, FunctionType, str]:
    """Whose function it is, the function, and its changed source."""
    module_name, _, path = change.function.partition(":")
    owner: Any = importlib.import_module(module_name)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    function = inspect.unwrap(getattr(owner, name))  # a decorator's names are another module's
    source = textwrap.dedent(inspect.getsource(function))
    return owner, function, _changed(source, change.old, change.new, change.function)


def _changed(source: str, old: str, new: str, where: str) -> str:
    if source.count(old) != 1:
        raise LookupError(f"the text that the plant changes is {source.count(old)} times in {where}: {old!r}")
    return source.replace(old, new)
