-- Put failed and cancelled stages of a job back, on record. Returns the queues that got work; refused: why nothing was
-- put back. `settled`: nothing had failed or been cancelled. `replaced`: a newer job of the video has a stage that this
-- one would still run; of each name the newest stage counts, so what this one made would never be shown.
drop function retry_job(uuid, text, text);
create function retry_job(p_job uuid, p_actor text, p_reason text, out queues text[], out refused text)
language plpgsql as $$
declare
    v_video uuid;
    v_event bigint;
begin
    select video_id into v_video from jobs where id = p_job for no key update;
    perform from videos where id = v_video for no key update;  -- no newer job is accepted in between
    if not exists (select from stages where job_id = p_job and state in ('failed', 'cancelled')) then
        refused := 'settled';
        return;
    end if;
    if exists (
        select from stages s join stages newer on newer.video_id = v_video and newer.name = s.name and newer.id > s.id
        where s.job_id = p_job and s.state not in ('succeeded', 'skipped')
    ) then
        refused := 'replaced';
        return;
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
    select coalesce(array_agg(distinct queue) filter (where state = 'ready'), '{}') into queues from put_back;
    perform refresh_states(array[p_job], p_actor);
end $$;
