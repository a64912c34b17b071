-- What one person may use of a limit now: their own number until a moment, else everybody's and no moment.
create function limit_of(p_user bigint, p_name text, p_everybodys integer, out value integer, out until timestamptz)
language sql stable as $$
    select coalesce(o.value, p_everybodys), o.until
    from (select) as one left join limit_overrides o
        on o.user_id = p_user and o.limit_name = p_name and o.until > clock_timestamp()
$$;


-- When the next one fits into a sliding window of so many; null when that is now. Whoever may have none waits until the
-- number is everybody's again.
create function next_fits(p_user bigint, p_quota text, p_everybodys integer, p_window interval) returns timestamptz
language plpgsql as $$
declare
    v_own record;
    v_fits timestamptz;
begin
    select * into v_own from limit_of(p_user, p_quota, p_everybodys);
    select at + p_window into v_fits from quota_uses where user_id = p_user and quota = p_quota
        order by at desc offset case when v_own.value = 0 then p_everybodys else v_own.value end - 1 limit 1;
    if v_own.value = 0 then
        v_fits := greatest(v_fits, v_own.until);
    end if;
    return case when v_fits > clock_timestamp() then v_fits end;
end $$;


-- A job on a video of p_user, out of the quota of p_submitter.
create or replace function accept_job(
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
    v_starts_at := coalesce(next_fits(p_submitter, 'jobs', p_jobs_per_hour, interval '1 hour'), clock_timestamp());

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
