-- Record what became of many attempts, in one transaction, each only where its token still matches.
-- p_items: [{stage_id, token, outcome, reason, error, delay, data, files, calls, skips, cost}]; outcome is succeeded,
-- retried (after delay seconds), failed, lost (its process died: poison the second time), or released (not the attempt's
-- fault: it costs no try).
-- recorded: the stages whose outcome stands, also when an earlier call with an unknown commit had recorded it.
create or replace function finish_many(p_worker text, p_items jsonb, out recorded bigint[], out ready_queues text[])
language plpgsql as $$
declare
    v_actor text := 'worker:' || p_worker;
    v_now timestamptz;
    v_ids bigint[];  -- arrays, because the planner knows nothing of a recordset and would read whole tables for it
    v_tokens bigint[];
    v_outcomes text[];
    v_jobs uuid[];
    v_stages bigint[];
    v_succeeded bigint[];
    v_skips jsonb;
begin
    select array_agg(i.stage_id), array_agg(i.token), array_agg(i.outcome) into v_ids, v_tokens, v_outcomes
    from jsonb_to_recordset(p_items) as i (stage_id bigint, token bigint, outcome text);
    v_jobs := array(select distinct job_id from stages where id = any (v_ids));
    perform from jobs where id = any (v_jobs) order by id for no key update;
    -- All of them and once, before outputs and files lock those that they are shown by.
    perform from videos where id = any (array(select distinct video_id from jobs where id = any (v_jobs)))
        order by id for no key update;
    v_now := clock_timestamp();

    -- A worker that hands back what was taken from it was cut off, not dead: its loss counts for nothing.
    if 'released' = any (v_outcomes) then
        with back as (
            update attempts a set outcome = 'released', reason = i.reason
            from jsonb_to_recordset(p_items) as i (stage_id bigint, token bigint, outcome text, reason text)
            join stages s on s.id = i.stage_id and s.deaths > 0 and s.state in ('waiting', 'ready', 'running')
            where i.outcome = 'released' and a.stage_id = i.stage_id and a.token = i.token and a.outcome = 'lost'
                -- Only what the sweeper took for a death, and only since the last retry, which forgot all deaths.
                and exists (select from events e where e.job_id = s.job_id and e.stage_id = s.id and e.token = a.token
                            and e.actor = 'sweeper' and e.id > coalesce(s.retry_event_id, 0))
            returning a.stage_id, a.token, a.reason
        ), told as (
            insert into events (actor, action, user_id, video_id, job_id, stage_id, token, reason)
            select v_actor, 'stage released', s.user_id, s.video_id, s.job_id, s.id, back.token, back.reason
            from back join stages s on s.id = back.stage_id
        )
        update stages s set deaths = s.deaths - 1, tries = greatest(0, s.tries - 1) from back
        where s.id = back.stage_id;
    end if;

    with items as (
        select * from jsonb_to_recordset(p_items) as i (
            stage_id bigint, token bigint, outcome text, reason text, error text, delay double precision, cost numeric)
    ), done as (
        update stages s set
            state = case when i.outcome in ('succeeded', 'failed') then i.outcome
                         when i.outcome = 'lost' then state_after_loss(s.deaths + 1, s.tries, s.max_attempts)
                         else 'ready' end,
            lease_id = null,
            reason = case when i.outcome = 'lost' then poison_reason(s.deaths + 1, i.reason) else i.reason end,
            finished_at = case when i.outcome in ('succeeded', 'failed')
                or (i.outcome = 'lost' and state_after_loss(s.deaths + 1, s.tries, s.max_attempts) = 'failed') then v_now
                end,
            deaths = s.deaths + case when i.outcome = 'lost' then 1 else 0 end,
            tries = case when i.outcome = 'released' then s.tries - 1 else s.tries end,
            available_at = case when i.outcome = 'retried' then v_now + make_interval(secs => i.delay)
                                when i.outcome in ('released', 'lost') then v_now else s.available_at end
        from items i
        where s.id = any (v_ids) and s.id = i.stage_id and s.token = i.token and s.state = 'running'
        returning s.*, i.outcome, i.error, i.cost
    ), tried as (
        update attempts a set outcome = d.outcome, finished_at = v_now, reason = d.reason, error = d.error,
            cost = coalesce(d.cost, 0)
        from done d where a.stage_id = any (v_ids) and a.stage_id = d.id and a.token = d.token
    ), told as (
        insert into events (actor, action, user_id, video_id, job_id, stage_id, token, reason)
        select v_actor, case when outcome = 'lost' and is_poison(deaths) then 'stage poisoned' else 'stage ' || outcome end,
            user_id, video_id, job_id, id, token, reason from done
    )
    select array_agg(id), array_agg(id) filter (where outcome = 'succeeded') into v_stages, v_succeeded from done;

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
        perform advance(v_jobs, v_succeeded, v_skips, v_actor);
    end if;
    if v_stages is not null then perform refresh_states(v_jobs, v_actor); end if;

    -- By what stands now, so that a repeated call rings for what the first one made ready.
    ready_queues := array(select distinct queue from stages
                          where job_id = any (v_jobs) and state = 'ready' and available_at <= clock_timestamp());
    recorded := array(
        select a.stage_id from unnest(v_ids, v_tokens, v_outcomes) as i (stage_id, token, outcome)
        join attempts a on a.stage_id = i.stage_id and a.token = i.token and a.outcome = i.outcome
    );
end $$;
