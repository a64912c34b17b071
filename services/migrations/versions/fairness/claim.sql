-- Claim up to p_limit due stages for the lease, at most p_cap running per user; `more`: others could be claimed now.
-- Interactive before bulk, then by user in fair turns, then the oldest.
create or replace function claim_many(
    p_queue text, p_lease uuid, p_worker text, p_host text, p_pid integer, p_seconds double precision,
    p_limit integer, p_cap integer
) returns table (
    stage_id bigint, token bigint, attempt smallint, max_attempts smallint, job_id uuid, video_id uuid, name text,
    more boolean
) language plpgsql as $$
#variable_conflict use_column
declare
    v_paused boolean;
    v_virtual_time bigint;
    v_now timestamptz;
    v_ids bigint[];
    v_users bigint[];
    v_turns bigint[];
    v_jobs uuid[];
    v_more boolean;
begin
    select paused, virtual_time into v_paused, v_virtual_time from queues
    where queues.name = p_queue for no key update;
    if v_paused then return; end if;
    v_now := clock_timestamp();

    -- A lease that lapsed is not revived while work runs under it: that work may already be somebody else's.
    insert into leases (id, worker, queue, host, pid, expires_at)
    values (p_lease, p_worker, p_queue, p_host, p_pid, v_now + make_interval(secs => p_seconds))
    on conflict (id) do update set expires_at = excluded.expires_at
        where leases.expires_at > v_now
            or not exists (select from stages s where s.lease_id = leases.id and s.state = 'running');
    if not found then return; end if;

    with recursive waiting as (
        (select s.user_id from stages s where s.queue = p_queue and s.state = 'ready' order by s.user_id limit 1)
        union all
        select (select s.user_id from stages s where s.queue = p_queue and s.state = 'ready' and s.user_id > w.user_id
                order by s.user_id limit 1)
        from waiting w where w.user_id is not null
    ), running as (
        select s.user_id, count(*) as running from stages s where s.queue = p_queue and s.state = 'running'
        group by s.user_id
    ), heads as (
        select w.user_id, h.*,
            greatest(v_virtual_time, t.next_turn) + row_number() over (partition by w.user_id order by priority, id) - 1
                as turn
        from waiting w left join running r on r.user_id = w.user_id
        left join turns t on t.queue = p_queue and t.user_id = w.user_id
        cross join lateral (
            select s.id, s.job_id, s.priority from stages s
            where s.queue = p_queue and s.state = 'ready' and s.user_id = w.user_id and s.available_at <= v_now
            order by s.priority, s.id
            limit greatest(0, least(p_limit + 1, p_cap - coalesce(r.running, 0)))
        ) h
        where w.user_id is not null
    ), picked as (select * from heads order by priority, turn, id limit p_limit)
    select array_agg(id), array_agg(user_id), array_agg(turn), array_agg(distinct picked.job_id),
        (select count(*) from heads) > count(*)
    into v_ids, v_users, v_turns, v_jobs, v_more from picked;
    if v_ids is null then return; end if;

    insert into turns (queue, user_id, next_turn)
    select p_queue, served.user_id, max(served.turn) + 1 from unnest(v_users, v_turns) as served (user_id, turn)
    group by served.user_id
    on conflict (queue, user_id) do update set next_turn = excluded.next_turn;
    update queues set virtual_time = (select max(turn) from unnest(v_turns) as turn)
    where queues.name = p_queue and virtual_time < (select max(turn) from unnest(v_turns) as turn);

    perform from jobs where id = any (v_jobs) order by id for no key update;
    return query
    with taken as (
        update stages s set state = 'running', token = s.token + 1, tries = s.tries + 1, lease_id = p_lease,
            started_at = v_now, finished_at = null, reason = null
        where s.id = any (v_ids) and s.state = 'ready'
        returning s.*
    ), tried as (
        insert into attempts (stage_id, token, number, worker, ready_at, started_at)
        select t.id, t.token, t.tries, p_worker, t.available_at, v_now from taken t
    )
    select t.id, t.token, t.tries, t.max_attempts, t.job_id, t.video_id, t.name, v_more
    from taken t order by t.priority, t.id;

    perform tell_started(v_jobs, 'worker:' || p_worker);
end $$;


-- What the first claim of a job changes in `job_state` and `video_state`: only that something started.
create function tell_started(p_jobs uuid[], p_actor text) returns void language plpgsql as $$
declare
    v_videos uuid[];
begin
    with moved as (
        update jobs set state = 'running' where id = any (p_jobs) and state = 'queued'
        returning id, video_id, user_id
    ), told as (
        insert into events (actor, action, user_id, video_id, job_id)
        select p_actor, 'job running', user_id, video_id, id from moved
    )
    select array_agg(distinct video_id) into v_videos from moved;
    if v_videos is null then return; end if;
    perform from videos where id = any (v_videos) and state = 'uploaded' order by id for no key update;
    with moved as (
        update videos set state = 'processing' where id = any (v_videos) and state = 'uploaded'
        returning id, user_id
    )
    insert into events (actor, action, user_id, video_id)
    select p_actor, 'video processing', user_id, id from moved;
end $$;
