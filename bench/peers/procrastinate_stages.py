"""procrastinate with the writes of the product: a task is a stage, and each first one defers the second.

`schema` makes procrastinate's own tables, `work` runs one worker until it is told to stop, `accept JOBS
TOGETHER` accepts jobs, so many in one transaction, and says when it began. DATABASE_URL leads to the tables of
tables.sql.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
import uuid

import procrastinate  # type: ignore[import-not-found]  # it lies in .venv-bench

QUEUE = "stages"
USERS = 100
ACCEPTING = 8  # transactions at once
CONCURRENCY = 50
CONNECTIONS = 24  # a worker's pool

# One statement and so one round trip: what finishing a stage writes, and the next stage made ready.
FINISH = """
    with done as (
        update stages set state = 'succeeded', token = token + 1, tries = tries + 1, started_at = clock_timestamp(),
            finished_at = clock_timestamp()
        where id = %(stage)s and state = 'ready' returning *
    ), tried as (
        insert into attempts (stage_id, token, number, worker, ready_at, started_at, finished_at, outcome)
        select id, token, tries, 'procrastinate', available_at, started_at, finished_at, 'succeeded' from done
    ), made as (
        insert into outputs (stage_id, token, job_id, video_id, name, data)
        select id, token, job_id, video_id, name, %(data)s::jsonb from done
    ), told as (
        insert into events (actor, action, user_id, video_id, job_id, stage_id, token)
        select 'procrastinate', 'stage succeeded', user_id, video_id, job_id, id, token from done
    )
    update stages next set pending = next.pending - 1, state = 'ready', available_at = clock_timestamp() from done
    where next.job_id = done.job_id and done.name = any (next.after) and next.state = 'waiting'
    returning next.id
"""
# What accepting jobs writes: the job, its quota, its two stages and the event.
ACCEPT = """
    with job as (
        insert into jobs (id, video_id, user_id, kind, priority, state, starts_at)
        select id, video_id, %(user)s, 'posts', 10, 'queued', clock_timestamp()
        from unnest(%(jobs)s::uuid[], %(videos)s::uuid[]) as new (id, video_id)
        returning id, video_id, user_id, starts_at
    ), quota as (
        insert into quota_uses (user_id, quota, at, video_id, job_id)
        select user_id, 'jobs', starts_at, video_id, id from job
    ), told as (
        insert into events (actor, action, user_id, video_id, job_id)
        select 'procrastinate', 'job accepted', user_id, video_id, id from job
    ), made as (
        insert into stages (job_id, video_id, user_id, name, queue, state, priority, after, pending, available_at)
        select job.id, video_id, user_id, s.name, 'ai', s.state, 10, s.after, s.pending, starts_at
        from job, (values ('analyze', 'ready', '{}'::text[], 0), ('posts', 'waiting', '{analyze}'::text[], 1))
            as s (name, state, after, pending)
        returning id, state
    )
    select id from made where state = 'ready'
"""
DATA = json.dumps({"text": "An answer."})

logging.getLogger("procrastinate").setLevel(logging.ERROR)
connector = procrastinate.PsycopgConnector(
    conninfo=os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS
)
app = procrastinate.App(connector=connector)


async def stage(stage: int) -> None:
    """The task: one transaction with all that the product writes of a stage, the next task among it."""
    async with connector.pool.connection() as connection:
        cursor = await connection.execute(FINISH, {"stage": stage, "data": DATA})
        for (following,) in await cursor.fetchall():
            await task.configure(connection=connection).defer_async(stage=following)


task = app.task(queue=QUEUE, name="stage")(stage)


async def accept(count: int, together: int) -> None:
    """So many jobs in one transaction with their first tasks, several transactions at once."""
    calls = iter(range(0, count, together))

    async def take() -> None:
        for first in calls:
            size = min(together, count - first)
            order = {
                "user": first // together % USERS,
                "jobs": [uuid.uuid4() for _ in range(size)],
                "videos": [uuid.uuid4() for _ in range(size)],
            }
            async with connector.pool.connection() as connection:
                ready = await (await connection.execute(ACCEPT, order)).fetchall()
                await task.configure(connection=connection).batch_defer_async(*({"stage": row[0]} for row in ready))

    async with app.open_async():
        began = time.monotonic()
        await asyncio.gather(*(take() for _ in range(ACCEPTING)))
    sys.stdout.write(json.dumps({"began": began}) + "\n")


async def work() -> None:
    async with app.open_async():
        await app.run_worker_async(queues=[QUEUE], concurrency=CONCURRENCY)


def main() -> None:
    if sys.argv[1] == "schema":
        with app.open():
            app.schema_manager.apply_schema()
    elif sys.argv[1] == "accept":
        asyncio.run(accept(int(sys.argv[2]), int(sys.argv[3])))
    else:
        asyncio.run(work())


if __name__ == "__main__":
    main()
