-- Bring jobs and their videos to the state of their stages. Takes the rows' locks in one order, then reads.
-- A job that has succeeded or failed is told to the video's owner, and to whoever submitted it when that is another.
create or replace function refresh_states(p_jobs uuid[], p_actor text) returns void language plpgsql as $$
declare
    v_videos uuid[];
begin
    perform from jobs where id = any (p_jobs) order by id for no key update;
    with derived as (
        select job_id, job_state(array_agg(state), bool_or(token > 0)) as state
        from stages where job_id = any (p_jobs) group by job_id
    ), moved as (
        update jobs j set state = d.state,
            finished_at = case when d.state in ('succeeded', 'failed', 'cancelled') then clock_timestamp() end
        from derived d where j.id = any (p_jobs) and d.job_id = j.id and d.state <> j.state
        returning j.id, j.video_id, j.user_id, j.state
    ), told as (
        insert into notifications (user_id, video_id, job_id, kind)
        select person.id, m.video_id, m.id, 'job ' || m.state
        from moved m
        cross join lateral (
            select m.user_id as id
            union
            select (select substring(e.actor from '^user:(\d+)$')::bigint from events e
                    where e.job_id = m.id order by e.id limit 1)  -- a job's first event is that it was accepted
        ) person
        where m.state in ('succeeded', 'failed') and person.id is not null
    )
    insert into events (actor, action, user_id, video_id, job_id)
    select p_actor, 'job ' || state, user_id, video_id, id from moved;

    v_videos := array(select distinct video_id from jobs where id = any (p_jobs));
    perform from videos where id = any (v_videos) order by id for no key update;
    with asked as (
        select video_id, name, bool_or(state in ('succeeded', 'skipped')) as settled, bool_or(token > 0) as started,
            (array_agg(state order by id desc))[1] as newest
        from stages where video_id = any (v_videos) group by video_id, name
    ), derived as (
        select video_id, video_state(
            coalesce(array_agg(name) filter (where settled), '{}'),
            coalesce(array_agg(newest) filter (where not settled), '{}'),
            bool_or(started)) as state
        from asked group by video_id
    ), moved as (
        update videos v set state = d.state from derived d
        where v.id = any (v_videos) and d.video_id = v.id and d.state <> v.state
        returning v.id, v.user_id, v.state
    )
    insert into events (actor, action, user_id, video_id)
    select p_actor, 'video ' || state, user_id, id from moved;
end $$;
