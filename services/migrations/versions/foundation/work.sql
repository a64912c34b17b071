-- The queue's verbs. Every function takes its locks in one order: queue, lease, jobs by id, stages, videos by id.

-- Two deaths of a worker or its child on one stage make it poison.
create function is_poison(deaths integer) returns boolean language sql immutable parallel safe as $$
    select deaths >= 2
$$;


create function accept_job(
    p_job uuid, p_video uuid, p_user bigint, p_kind text, p_priority smallint, p_stages jsonb, p_jobs_per_hour integer,
    p_actor text
) returns timestamptz language plpgsql as $$
declare
    v_turn bigint;
    v_starts_at timestamptz;
begin
    select next_turn into v_turn from users where id = p_user for no key update;
    -- Start-time fair queueing (Goyal 1996): a user's jobs follow each other, a newcomer starts at the virtual time.
    select greatest(v_turn, virtual_time) into v_turn from queues
        where name = (select s ->> 'queue' from jsonb_array_elements(p_stages) s where s -> 'after' = '[]' limit 1);
    update users set next_turn = v_turn + 1 where id = p_user;

    -- Over the hourly limit a job is set for the moment when the limit frees.
    select greatest(clock_timestamp(), max(at) + interval '1 hour') into v_starts_at from (
        select at from quota_uses where user_id = p_user and quota = 'jobs'
        order by at desc offset p_jobs_per_hour - 1 limit 1
    ) oldest_that_counts;

    insert into jobs (id, video_id, user_id, kind, priority, turn, starts_at)
    values (p_job, p_video, p_user, p_kind, p_priority, v_turn, v_starts_at);
    insert into quota_uses (user_id, quota, at, video_id, job_id) values (p_user, 'jobs', v_starts_at, p_video, p_job);
    insert into stages (job_id, video_id, user_id, name, queue, state, priority, turn, after, pending, available_at,
                        max_attempts)
    select p_job, p_video, p_user, s.name, s.queue,
           case when cardinality(s.after) = 0 then 'ready' else 'waiting' end,
           p_priority, v_turn, s.after, cardinality(s.after), v_starts_at, s.max_attempts
    from jsonb_to_recordset(p_stages) as s (name text, queue text, after text[], max_attempts smallint);
    insert into events (actor, action, user_id, video_id, job_id, details)
    values (p_actor, 'job accepted', p_user, p_video, p_job, jsonb_build_object('kind', p_kind, 'starts_at', v_starts_at));
    perform refresh_states(array[p_job], p_actor);  -- a failed or cancelled video has something under way again
    return v_starts_at;
end $$;


-- Claim up to p_limit due stages for the lease, at most p_cap running per user; `more`: others could be claimed now.
create function claim_many(
    p_queue text, p_lease uuid, p_worker text, p_host text, p_pid integer, p_seconds double precision,
    p_limit integer, p_cap integer
) returns table (
    stage_id bigint, token bigint, attempt smallint, max_attempts smallint, job_id uuid, video_id uuid, name text,
    more boolean
) language plpgsql as $$
#variable_conflict use_column
declare
    v_paused boolean;
    v_now timestamptz;
    v_ids bigint[];
    v_jobs uuid[];
    v_more boolean;
begin
    select paused into v_paused from queues where queues.name = p_queue for no key update;
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
        select h.* from waiting w left join running r on r.user_id = w.user_id
        cross join lateral (
            select s.id, s.job_id, s.priority, s.turn from stages s
            where s.queue = p_queue and s.state = 'ready' and s.user_id = w.user_id and s.available_at <= v_now
            order by s.priority, s.turn, s.id
            limit greatest(0, least(p_limit + 1, p_cap - coalesce(r.running, 0)))
        ) h
        where w.user_id is not null
    ), picked as (select * from heads order by priority, turn, id limit p_limit)
    select array_agg(id), array_agg(distinct picked.job_id), (select count(*) from heads) > count(*)
    into v_ids, v_jobs, v_more from picked;
    if v_ids is null then return; end if;

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
    ), passed as (
        update queues set virtual_time = greatest(virtual_time, (select max(turn) from taken))
        where queues.name = p_queue and virtual_time < (select max(turn) from taken)
    )
    select t.id, t.token, t.tries, t.max_attempts, t.job_id, t.video_id, t.name, v_more
    from taken t order by t.priority, t.turn, t.id;

    perform refresh_states(array(select j.id from jobs j where j.id = any (v_jobs) and j.state <> 'running'),
                           'worker:' || p_worker);
end $$;


-- Renew a lease with its percents. Returns the stages among p_stages that are no longer its own; null: it has lapsed.
create function beat(
    p_lease uuid, p_seconds double precision, p_progress jsonb, p_stages bigint[], p_tokens bigint[]
) returns bigint[] language plpgsql as $$
begin
    update leases set expires_at = clock_timestamp() + make_interval(secs => p_seconds), progress = p_progress
    where id = p_lease and expires_at > clock_timestamp();
    if not found then return null; end if;
    return array(
        select held.id from unnest(p_stages, p_tokens) as held (id, token)
        where not exists (select from stages s where s.id = held.id and s.token = held.token and s.state = 'running'
                          and s.lease_id = p_lease)
    );
end $$;


-- Settle the stages after those in p_stages: skip, count down, make ready. Returns the queues that got work.
create function advance(p_jobs uuid[], p_stages bigint[], p_skips jsonb, p_actor text) returns text[]
language plpgsql as $$
declare
    v_settled bigint[] := p_stages;
    v_skipped bigint[];
    v_queues text[];
begin
    with skipped as (
        update stages s set state = 'skipped', reason = k.reason, finished_at = clock_timestamp()
        from jsonb_to_recordset(p_skips) as k (job_id uuid, name text, reason text)
        where s.job_id = k.job_id and s.name = k.name and s.state = 'waiting'
        returning s.*
    ), told as (
        insert into events (actor, action, user_id, video_id, job_id, stage_id, token, reason)
        select p_actor, 'stage skipped', user_id, video_id, job_id, id, token, reason from skipped
    )
    select array_agg(id) into v_skipped from skipped;

    with settled as (
        select job_id, name from stages where id = any (v_settled || coalesce(v_skipped, '{}'))
    ), counted as (
        select s.id, count(*) as settled from stages s join settled on settled.job_id = s.job_id
            and settled.name = any (s.after)
        where s.job_id = any (p_jobs) and s.state = 'waiting' group by s.id
    ), counted_down as (
        update stages s set pending = s.pending - c.settled,
            state = case when s.pending = c.settled then 'ready' else s.state end,
            available_at = greatest(s.available_at, clock_timestamp())
        from counted c where c.id = s.id
        returning s.queue, s.state
    )
    select array_agg(distinct queue) into v_queues from counted_down where state = 'ready';
    return coalesce(v_queues, '{}');
end $$;


-- Record what became of many attempts, in one transaction, each only where its token still matches.
-- p_items: [{stage_id, token, outcome, reason, error, delay, data, files, calls, skips, cost}]; outcome is succeeded,
-- retried (after delay seconds), failed, lost (its process died: poison the second time), or released (not the attempt's
-- fault: it costs no try).
-- recorded: the stages whose outcome stands, also when an earlier call with an unknown commit had recorded it.
create function finish_many(p_worker text, p_items jsonb, out recorded bigint[], out ready_queues text[])
language plpgsql as $$
declare
    v_actor text := 'worker:' || p_worker;
    v_now timestamptz;
    v_jobs uuid[];
    v_stages bigint[];
    v_succeeded bigint[];
    v_skips jsonb;
    v_requeued text[];
begin
    select array_agg(distinct s.job_id) into v_jobs
    from jsonb_to_recordset(p_items) as i (stage_id bigint) join stages s on s.id = i.stage_id;
    perform from jobs where id = any (v_jobs) order by id for no key update;
    v_now := clock_timestamp();

    with items as (
        select * from jsonb_to_recordset(p_items) as i (
            stage_id bigint, token bigint, outcome text, reason text, error text, delay double precision, cost numeric)
    ), done as (
        update stages s set
            state = case when i.outcome in ('succeeded', 'failed') then i.outcome
                         when i.outcome = 'lost' and (is_poison(s.deaths + 1) or s.tries >= s.max_attempts) then 'failed'
                         else 'ready' end,
            lease_id = null, reason = i.reason,
            finished_at = case when i.outcome in ('succeeded', 'failed')
                or (i.outcome = 'lost' and (is_poison(s.deaths + 1) or s.tries >= s.max_attempts)) then v_now end,
            deaths = s.deaths + case when i.outcome = 'lost' then 1 else 0 end,
            tries = case when i.outcome = 'released' then s.tries - 1 else s.tries end,
            available_at = case when i.outcome = 'retried' then v_now + make_interval(secs => i.delay)
                                when i.outcome in ('released', 'lost') then v_now else s.available_at end
        from items i
        where s.id = i.stage_id and s.token = i.token and s.state = 'running'
        returning s.*, i.outcome, i.error, i.cost
    ), tried as (
        update attempts a set outcome = d.outcome, finished_at = v_now, reason = d.reason, error = d.error,
            cost = coalesce(d.cost, 0)
        from done d where a.stage_id = d.id and a.token = d.token
    ), told as (
        insert into events (actor, action, user_id, video_id, job_id, stage_id, token, reason)
        select v_actor, 'stage ' || outcome, user_id, video_id, job_id, id, token, reason from done
    )
    select array_agg(id), array_agg(id) filter (where outcome = 'succeeded'),
        array_agg(distinct queue) filter (where state = 'ready' and available_at <= v_now)
    into v_stages, v_succeeded, v_requeued from done;

    if v_succeeded is not null then
        insert into outputs (stage_id, token, job_id, video_id, name, data)
        select s.id, s.token, s.job_id, s.video_id, s.name, i.data
        from jsonb_to_recordset(p_items) as i (stage_id bigint, data jsonb)
        join stages s on s.id = i.stage_id where s.id = any (v_succeeded);

        insert into files (video_id, stage_id, token, role, position, storage_key, media_type, size_bytes)
        select s.video_id, s.id, s.token, f.role, f.position, f.storage_key, f.media_type, f.size_bytes
        from jsonb_to_recordset(p_items) as i (stage_id bigint, files jsonb)
        join stages s on s.id = i.stage_id
        cross join lateral jsonb_to_recordset(i.files) as f
            (role text, position smallint, storage_key text, media_type text, size_bytes bigint)
        where s.id = any (v_succeeded) and jsonb_array_length(i.files) > 0;

        insert into ai_calls (stage_id, token, engine, model, prompt_version, unit, quantity, cost)
        select i.stage_id, i.token, c.engine, c.model, c.prompt_version, c.unit, c.quantity, c.cost
        from jsonb_to_recordset(p_items) as i (stage_id bigint, token bigint, calls jsonb)
        cross join lateral jsonb_to_recordset(i.calls) as c
            (engine text, model text, prompt_version text, unit text, quantity double precision, cost numeric)
        where i.stage_id = any (v_succeeded) and jsonb_array_length(i.calls) > 0;

        select coalesce(jsonb_agg(jsonb_build_object('job_id', s.job_id, 'name', k.key, 'reason', k.value)), '[]')
        into v_skips
        from jsonb_to_recordset(p_items) as i (stage_id bigint, skips jsonb)
        join stages s on s.id = i.stage_id
        cross join lateral jsonb_each_text(i.skips) as k
        where s.id = any (v_succeeded);
        ready_queues := advance(v_jobs, v_succeeded, v_skips, v_actor);
    end if;
    if v_stages is not null then perform refresh_states(v_jobs, v_actor); end if;

    ready_queues := coalesce(ready_queues, '{}') || coalesce(v_requeued, '{}');
    recorded := array(
        select a.stage_id from jsonb_to_recordset(p_items) as i (stage_id bigint, token bigint, outcome text)
        join attempts a on a.stage_id = i.stage_id and a.token = i.token and a.outcome = i.outcome
    );
end $$;


-- Cancel what is unfinished in a job. Returns the attempts that were running, to be stopped; null: nothing was left.
create function cancel_job(p_job uuid, p_actor text, p_reason text) returns jsonb language plpgsql as $$
declare
    v_running jsonb;
    v_count integer;
begin
    perform from jobs where id = p_job for no key update;
    with unfinished as (
        select s.id, s.state as was, s.lease_id, s.token from stages s
        where s.job_id = p_job and s.state in ('waiting', 'ready', 'running') for no key update
    ), stopped as (
        update stages s set state = 'cancelled', lease_id = null, finished_at = clock_timestamp(), reason = p_reason,
            token = s.token + case when u.was = 'running' then 1 else 0 end
        from unfinished u where u.id = s.id
        returning s.*, u.was, u.lease_id as held_by, u.token as held_token
    ), tried as (
        update attempts a set outcome = 'cancelled', finished_at = clock_timestamp(), reason = p_reason
        from stopped where a.stage_id = stopped.id and a.token = held_token and was = 'running'
    ), told as (
        insert into events (actor, action, user_id, video_id, job_id, stage_id, token, reason)
        select p_actor, 'stage cancelled', user_id, video_id, job_id, id, case was when 'running' then held_token end,
            p_reason
        from stopped
    )
    select count(*), coalesce(jsonb_agg(jsonb_build_object(
        'stage_id', stopped.id, 'token', held_token, 'worker', leases.worker)) filter (where was = 'running'), '[]')
    into v_count, v_running from stopped left join leases on leases.id = held_by;
    if v_count = 0 then return null; end if;
    perform refresh_states(array[p_job], p_actor);
    return v_running;
end $$;


-- Put failed and cancelled stages of a job back, on record. Returns the queues that got work; null: nothing to retry.
create function retry_job(p_job uuid, p_actor text, p_reason text) returns text[] language plpgsql as $$
declare
    v_event bigint;
    v_queues text[];
begin
    perform from jobs where id = p_job for no key update;
    if not exists (select from stages where job_id = p_job and state in ('failed', 'cancelled')) then
        return null;
    end if;
    insert into events (actor, action, user_id, video_id, job_id, reason)
    select p_actor, 'job retried', user_id, video_id, id, p_reason from jobs where id = p_job returning id into v_event;

    with unsettled as (
        select s.id, (select count(*) from stages b where b.job_id = s.job_id and b.name = any (s.after)
                      and b.state not in ('succeeded', 'skipped')) as pending
        from stages s where s.job_id = p_job and s.state in ('failed', 'cancelled')
    ), put_back as (
        update stages s set state = case when u.pending = 0 then 'ready' else 'waiting' end, pending = u.pending,
            tries = 0, deaths = 0, available_at = clock_timestamp(), retry_event_id = v_event, reason = null,
            started_at = null, finished_at = null
        from unsettled u where u.id = s.id
        returning s.queue, s.state
    )
    select coalesce(array_agg(distinct queue) filter (where state = 'ready'), '{}') into v_queues from put_back;
    perform refresh_states(array[p_job], p_actor);
    return v_queues;
end $$;


-- Take back what lapsed leases hold. Two deaths on one stage make it poison. One sweeper at a time; null: another is.
-- ready_queues: queues with due work; due_in: seconds until the next stage falls due; running: how many run. Paused
-- queues count for nothing: whoever resumes one rings it.
create function sweep(out ready_queues text[], out due_in double precision, out running bigint,
                      out taken_back integer) language plpgsql as $$
declare
    v_leases uuid[];
    v_jobs uuid[];
begin
    if not pg_try_advisory_xact_lock(hashtext('backlot sweeper')) then return; end if;
    select array_agg(id) into v_leases from (
        select id from leases where expires_at <= clock_timestamp() for update skip locked
    ) lapsed;
    taken_back := 0;
    if v_leases is not null then
        select array_agg(distinct job_id) into v_jobs from stages
        where state = 'running' and lease_id = any (v_leases);
        perform from jobs where id = any (v_jobs) order by id for no key update;
        with lost as (
            update stages s set
                state = case when is_poison(s.deaths + 1) or s.tries >= s.max_attempts then 'failed' else 'ready' end,
                token = s.token + 1, deaths = s.deaths + 1, lease_id = null, available_at = clock_timestamp(),
                finished_at = case when is_poison(s.deaths + 1) or s.tries >= s.max_attempts
                                   then clock_timestamp() end,
                reason = case when is_poison(s.deaths + 1)
                    then 'Its worker died ' || s.deaths + 1 || ' times while running it. The file may be too heavy: try '
                        || 'a smaller one, or ask an operator to look at the log of the attempts.'
                    else 'Its worker was lost.' end
            where s.state = 'running' and s.lease_id = any (v_leases)
            returning s.*
        ), tried as (
            update attempts a set outcome = 'lost', finished_at = clock_timestamp(), reason = lost.reason
            from lost where a.stage_id = lost.id and a.token = lost.token - 1
        ), told as (
            insert into events (actor, action, user_id, video_id, job_id, stage_id, token, reason)
            select 'sweeper', case state when 'failed' then 'stage poisoned' else 'stage lost' end,
                user_id, video_id, job_id, id, token - 1, reason from lost
        )
        select count(*) into taken_back from lost;
        delete from leases where id = any (v_leases);
        if v_jobs is not null then perform refresh_states(v_jobs, 'sweeper'); end if;
    end if;
    ready_queues := array(
        select name from queues q where not paused and exists (
            select from stages s where s.queue = q.name and s.state = 'ready' and s.available_at <= clock_timestamp()));
    select extract(epoch from min(s.available_at) - clock_timestamp()) into due_in
    from stages s join queues q on q.name = s.queue
    where s.state = 'ready' and s.available_at > clock_timestamp() and not q.paused;
    select count(*) into running from stages where state = 'running';
end $$;
