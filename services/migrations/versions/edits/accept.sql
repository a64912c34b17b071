-- A job is accepted with its options: what it was asked for beyond its kind.
drop function accept_many(jsonb, integer, text);
drop function accept_job(uuid, uuid, bigint, bigint, text, smallint, jsonb, integer, text);

-- A job on a video of p_user, out of the quota of p_submitter.
create function accept_job(
    p_job uuid, p_video uuid, p_user bigint, p_submitter bigint, p_kind text, p_priority smallint, p_stages jsonb,
    p_options jsonb, p_jobs_per_hour integer, p_actor text
) returns timestamptz language plpgsql as $$
declare
    v_starts_at timestamptz;
    v_video_state text;
begin
    perform from users where id = p_submitter for no key update;  -- two accepts cannot both take the last of a quota
    select state into v_video_state from videos where id = p_video for no key update;

    -- Over the hourly limit a job is set for the moment when the limit frees.
    select greatest(clock_timestamp(), max(at) + interval '1 hour') into v_starts_at from (
        select at from quota_uses where user_id = p_submitter and quota = 'jobs'
        order by at desc offset p_jobs_per_hour - 1 limit 1
    ) oldest_that_counts;

    insert into jobs (id, video_id, user_id, kind, priority, options, starts_at)
    values (p_job, p_video, p_user, p_kind, p_priority, p_options, v_starts_at);
    insert into quota_uses (user_id, quota, at, video_id, job_id) values (p_submitter, 'jobs', v_starts_at, p_video, p_job);
    insert into stages (job_id, video_id, user_id, name, queue, state, priority, after, pending, available_at,
                        max_attempts)
    select p_job, p_video, p_user, s.name, s.queue,
           case when cardinality(s.after) = 0 then 'ready' else 'waiting' end,
           p_priority, s.after, cardinality(s.after), v_starts_at, s.max_attempts
    from jsonb_to_recordset(p_stages) as s (name text, queue text, after text[], max_attempts smallint);
    insert into events (actor, action, user_id, video_id, job_id, details)
    values (p_actor, 'job accepted', p_user, p_video, p_job, jsonb_build_object('kind', p_kind, 'starts_at', v_starts_at));
    if v_video_state in ('failed', 'cancelled') then  -- it has something under way again
        perform refresh_states(array[p_job], p_actor);
    end if;
    return v_starts_at;
end $$;


-- Accept many in one transaction. Users are locked by id, then videos by id, before the first insert; the other verbs
-- lock no users, and videos by id. p_items: [{job_id, video_id, user_id, submitter_id, kind, priority, options, stages}].
create function accept_many(p_items jsonb, p_jobs_per_hour integer, p_actor text) returns void language plpgsql as $$
begin
    perform from users where id = any (array(select (i ->> 'submitter_id')::bigint from jsonb_array_elements(p_items) as i))
        order by id for no key update;
    perform from videos where id = any (array(select (i ->> 'video_id')::uuid from jsonb_array_elements(p_items) as i))
        order by id for no key update;
    perform accept_job(i.job_id, i.video_id, i.user_id, i.submitter_id, i.kind, i.priority, i.stages, i.options,
                       p_jobs_per_hour, p_actor)
    from jsonb_to_recordset(p_items) as i
        (job_id uuid, video_id uuid, user_id bigint, submitter_id bigint, kind text, priority smallint, options jsonb,
         stages jsonb);
end $$;
