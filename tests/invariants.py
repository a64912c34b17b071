"""What must hold in the records at every moment; chaos and stateful tests share it."""

from __future__ import annotations

from sqlalchemy import Connection, text

INVARIANTS: dict[str, str] = {
    "a succeeded stage has the one output, under its own token": """
        select count(*) from stages s full join outputs o on o.stage_id = s.id
        where (s.state = 'succeeded') is distinct from (o.stage_id is not null) or o.token <> s.token""",
    "a stage leaves waiting only when all before it is settled": """
        select count(*) from stages s
        where s.state in ('ready', 'running', 'succeeded', 'failed') and exists (
            select from stages b where b.job_id = s.job_id and b.name = any (s.after)
            and b.state not in ('succeeded', 'skipped'))""",
    "a waiting stage counts what it waits for": """
        select count(*) from stages s
        where s.state = 'waiting' and s.pending <> (
            select count(*) from stages b where b.job_id = s.job_id and b.name = any (s.after)
            and b.state not in ('succeeded', 'skipped'))""",
    "an attempt is open exactly while its stage runs under its token": """
        select count(*) from stages s join attempts a on a.stage_id = s.id
        where (a.outcome is null) is distinct from (s.state = 'running' and a.token = s.token)""",
    "a running stage has an attempt": """
        select count(*) from stages s where s.state = 'running'
        and not exists (select from attempts a where a.stage_id = s.id and a.token = s.token)""",
    "a stage succeeds in one attempt": """
        select count(*) from (
            select stage_id from attempts where outcome = 'succeeded' group by 1 having count(*) > 1) twice""",
    "no attempt is newer than its stage's token": """
        select count(*) from stages s where s.token < (select max(token) from attempts a where a.stage_id = s.id)""",
    "a cancel takes the token": """
        select count(*) from attempts a join stages s on s.id = a.stage_id
        where a.outcome = 'cancelled' and s.token <= a.token""",
    "no more tries than allowed": "select count(*) from stages where tries > max_attempts or tries < 0",
    "the state of a job is that of its stages": """
        select count(*) from jobs j where j.state <> (
            select job_state(array_agg(s.state), bool_or(s.token > 0)) from stages s where s.job_id = j.id)""",
    "the state of a video is that of its stages": """
        with asked as (
            select video_id, name, bool_or(state in ('succeeded', 'skipped')) as settled,
                (array_agg(state order by id desc))[1] as newest, bool_or(token > 0) as started
            from stages group by 1, 2)
        select count(*) from videos v where v.state <> (
            select video_state(coalesce(array_agg(name) filter (where settled), '{}'),
                coalesce(array_agg(newest) filter (where not settled), '{}'), bool_or(started))
            from asked where video_id = v.id)""",
    "every ended attempt is told once": """
        select count(*) from attempts a where a.outcome is not null and 1 <> (
            select count(*) from events e where e.stage_id = a.stage_id and e.token = a.token
            and e.action in ('stage ' || a.outcome, case a.outcome when 'lost' then 'stage poisoned' end))""",
    "a file that is not a source belongs to a success": """
        select count(*) from files f where f.stage_id is not null and not exists (
            select from stages s where s.id = f.stage_id and s.state = 'succeeded' and s.token = f.token)""",
    "every accepted job used the quota once": """
        select count(*) from jobs j where 1 <> (
            select count(*) from quota_uses q where q.quota = 'jobs' and q.job_id = j.id)""",
}


def violations(connection: Connection) -> dict[str, int]:
    """The invariants that do not hold, with how often."""
    counts = {name: int(connection.execute(text(query)).scalar_one()) for name, query in INVARIANTS.items()}
    return {name: count for name, count in counts.items() if count}


def rows(connection: Connection, name: str, *, limit: int) -> list[str]:
    """Some of the rows that break an invariant, for whoever looks for the cause."""
    query = INVARIANTS[name].replace("select count(*)", "select *", 1)
    found = connection.execute(text(f"{query} limit {limit}"))
    return [str(dict(row._mapping)) for row in found]
