"""What must hold in the records when a run is over: each query finds what breaks it. What holds always is elsewhere."""

from __future__ import annotations

GOES_ON = "faults find something to break, and uploads are answered"
ALL_ENDED = "everything ends without a hand"
ACKNOWLEDGED = "an acknowledged upload is there, with its file"
ONE_SUCCESS = "a stage succeeds once"
ACCEPTED_ONCE = "an upload is accepted once"
UPLOAD_LEDGER = "every accepted upload used the quota once"
IDLE_LEDGER = "no quota is used for nothing"
FILE_THERE = "a file that a row names is on disk, whole"
FILE_OF_WINNER = "a file holds what its own attempt wrote"
NO_STRAY_FILE = "a file that no row names is an attempt's that did not succeed"
NOTHING_ON_REDIS = "nothing waits on Redis that Postgres does not know"

# The chain of states that history tells of a job or a video, from the one before the first.
_CHAIN = """
    with told as (
        select id, {thing}_id, split_part(action, ' ', 2) as state,
            lag(split_part(action, ' ', 2), 1, '{first}') over (partition by {thing}_id order by id) as before,
            lag(id, 1, 0::bigint) over (partition by {thing}_id order by id) as before_id
        from events where action in ({actions})
    )
"""
_JOB_CHAIN = _CHAIN.format(
    thing="job",
    first="queued",
    actions="'job queued', 'job running', 'job succeeded', 'job failed', 'job cancelled'",
)
_VIDEO_CHAIN = _CHAIN.format(
    thing="video",
    first="uploaded",
    actions="'video uploaded', 'video processing', 'video analyzed', 'video repurposed', 'video failed',"
    " 'video cancelled'",
)
_TERMINAL = "('succeeded', 'failed', 'cancelled')"

RULES: dict[str, str] = {
    ALL_ENDED: """
        select j.id, j.state, array_agg(s.name || ' ' || s.state order by s.id) as stages, max(s.tries) as tries,
            max(s.available_at) as available_at
        from jobs j join stages s on s.job_id = j.id
        where s.state in ('ready', 'running') or (j.state in ('queued', 'running') and s.state = 'waiting')
        group by j.id""",
    "a job's history is a chain of allowed moves": f"""{_JOB_CHAIN}
        select t.* from told t where (before, state) not in (
            ('queued', 'running'), ('queued', 'cancelled'),
            ('running', 'succeeded'), ('running', 'failed'), ('running', 'cancelled'))
        and not (before in ('failed', 'cancelled') and state in ('queued', 'running') and exists (
            select from events r where r.job_id = t.job_id and r.action = 'job retried'
            and r.id between t.before_id and t.id))""",
    "a job's history ends with its state": f"""{_JOB_CHAIN}
        select j.id, j.state, l.state as told from jobs j
        left join lateral (select state from told t where t.job_id = j.id order by id desc limit 1) l on true
        where j.state <> coalesce(l.state, 'queued')""",
    "a job ends once for each time it was begun": f"""{_JOB_CHAIN}
        select j.id, count(t.id) filter (where t.state in {_TERMINAL}) as ends,
            (select count(*) from events r where r.job_id = j.id and r.action = 'job retried') as retries
        from jobs j left join told t on t.job_id = j.id where j.state in {_TERMINAL} group by j.id
        having count(t.id) filter (where t.state in {_TERMINAL})
            <> 1 + (select count(*) from events r where r.job_id = j.id and r.action = 'job retried')""",
    "a job is accepted once": """
        select j.id from jobs j
        where 1 <> (select count(*) from events e where e.job_id = j.id and e.action = 'job accepted')""",
    "a video's history is a chain of allowed moves": f"""{_VIDEO_CHAIN}
        select t.* from told t where before = state or before = 'repurposed'
            or (before = 'analyzed' and state in ('uploaded', 'processing'))
            or (before in ('processing', 'failed') and state = 'uploaded')""",
    "a video's history ends with its state": f"""{_VIDEO_CHAIN}
        select v.id, v.state, l.state as told from videos v
        left join lateral (select state from told t where t.video_id = v.id order by id desc limit 1) l on true
        where v.state <> coalesce(l.state, 'uploaded')""",
    "an ended stage is what its newest attempt says": """
        select s.id, s.name, s.state, s.token, a.token as attempt_token, a.outcome from stages s
        left join lateral (select * from attempts a where a.stage_id = s.id order by token desc limit 1) a on true
        where (s.state = 'succeeded' and a.outcome is distinct from 'succeeded')
            or (s.state = 'failed' and coalesce(a.outcome, '') not in ('failed', 'lost'))
            or (s.state in ('skipped', 'waiting') and a.outcome = 'succeeded')""",
    "claims are outcomes: each raised the token, and so did each taking away": """
        select s.id, s.name, s.state, s.token from stages s where s.token <>
            (select count(*) + count(*) filter (where outcome = 'cancelled') from attempts a where a.stage_id = s.id)
            + (select count(*) from events e where e.stage_id = s.id and e.actor = 'sweeper')""",
    "no attempt began before what it builds on was settled": """
        select a.id, a.started_at, s.name, b.name as before, b.finished_at
        from attempts a join stages s on s.id = a.stage_id
        join stages b on b.job_id = s.job_id and b.name = any (s.after)
        where b.finished_at is null or b.state not in ('succeeded', 'skipped') or a.started_at < b.finished_at""",
    "a cancelled attempt left no output and no file": """
        select a.stage_id, a.token from attempts a where a.outcome = 'cancelled' and (
            exists (select from outputs o where o.stage_id = a.stage_id and o.token = a.token)
            or exists (select from files f where f.stage_id = a.stage_id and f.token = a.token))""",
    "a cancelled job finished nothing afterwards": """
        select c.id, c.job_id, e.action, e.id as later from events c
        join events e on e.job_id = c.job_id and e.id > c.id and e.action = 'stage succeeded'
        where c.action = 'job cancelled' and not exists (
            select from events r where r.job_id = c.job_id and r.action = 'job retried'
            and r.id between c.id and e.id)""",
    ONE_SUCCESS: """
        select s.id, s.name, count(*) as successes from stages s join attempts a on a.stage_id = s.id
        where a.outcome = 'succeeded' group by s.id having count(*) > 1""",
    ACCEPTED_ONCE: "select sha256, count(*) as videos from videos group by sha256 having count(*) > 1",
    UPLOAD_LEDGER: """
        select v.id, v.title from videos v where 1 <> (
            select count(*) from quota_uses q where q.quota = 'uploads' and q.video_id = v.id)""",
    IDLE_LEDGER: """
        select q.id, q.quota, q.video_id, q.job_id from quota_uses q
        left join videos v on v.id = q.video_id left join jobs j on j.id = q.job_id
        where v.id is null or (q.quota = 'jobs') is distinct from (j.id is not null)""",
    "a stage fails as poison after two deaths, or when its tries are used up": """
        select s.id, s.name, s.deaths, s.tries, s.reason from stages s
        join lateral (select * from attempts a where a.stage_id = s.id order by token desc limit 1) a on true
        where s.state = 'failed' and a.outcome = 'lost'
            and (s.reason is null or (s.deaths < 2 and s.tries < s.max_attempts))""",
    "a poison stage fails as poison, with a reason": """
        select s.id, v.title, s.state, s.deaths, s.reason from stages s join videos v on v.id = s.video_id
        where v.title like 'poison %' and s.name = 'clips'
            and (s.state = 'succeeded' or (s.state = 'failed' and (s.deaths < 2 or s.reason not like '%died%')))""",
    "a healthy stage never fails by itself": """
        select s.id, v.title, s.name, a.outcome, a.reason, right(a.error, 300) as error from attempts a
        join stages s on s.id = a.stage_id join videos v on v.id = s.video_id
        where a.outcome in ('failed', 'retried')
            and (v.title like 'plain %' or v.title like 'poison %' or v.title like 'real %')""",
    "what failed has a reason for people": "select id, name from stages where state = 'failed' and reason is null",
}
