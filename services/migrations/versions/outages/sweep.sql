-- Take back what lapsed leases hold. Two deaths on one stage make it poison. One sweeper at a time; null: another is.
-- ready_queues: queues with due work; due_in: seconds until a stage falls due or a lease with work under it ends;
-- running: how many run; lost_workers: whose leases ended with work under them. Paused queues count for nothing: whoever
-- resumes one rings it.
drop function sweep();
create function sweep(out ready_queues text[], out due_in double precision, out running bigint,
                      out taken_back integer, out lost_workers text[]) language plpgsql as $$
declare
    v_leases uuid[];
    v_jobs uuid[];
begin
    if not pg_try_advisory_xact_lock(hashtext('backlot sweeper')) then return; end if;
    select array_agg(id) into v_leases from (
        select id from leases where expires_at <= clock_timestamp() for update skip locked
    ) lapsed;
    taken_back := 0;
    lost_workers := '{}';
    if v_leases is not null then
        select array_agg(distinct job_id) into v_jobs from stages
        where state = 'running' and lease_id = any (v_leases);
        lost_workers := array(select distinct worker from leases l where id = any (v_leases) and exists (
            select from stages s where s.state = 'running' and s.lease_id = l.id));
        perform from jobs where id = any (v_jobs) order by id for no key update;
        with lost as (
            update stages s set
                state = state_after_loss(s.deaths + 1, s.tries, s.max_attempts),
                token = s.token + 1, deaths = s.deaths + 1, lease_id = null, available_at = clock_timestamp(),
                finished_at = case when state_after_loss(s.deaths + 1, s.tries, s.max_attempts) = 'failed'
                                   then clock_timestamp() end,
                reason = poison_reason(s.deaths + 1, 'Its worker was lost.')
            where s.state = 'running' and s.lease_id = any (v_leases)
            returning s.*
        ), tried as (
            update attempts a set outcome = 'lost', finished_at = clock_timestamp(), reason = lost.reason
            from lost where a.stage_id = lost.id and a.token = lost.token - 1
        ), told as (
            insert into events (actor, action, user_id, video_id, job_id, stage_id, token, reason)
            select 'sweeper', case when is_poison(deaths) then 'stage poisoned' else 'stage lost' end,
                user_id, video_id, job_id, id, token - 1, reason from lost
        )
        select count(*) into taken_back from lost;
        delete from leases where id = any (v_leases);
        if v_jobs is not null then perform refresh_states(v_jobs, 'sweeper'); end if;
    end if;
    ready_queues := array(
        select name from queues q where not paused and exists (
            select from stages s where s.queue = q.name and s.state = 'ready' and s.available_at <= clock_timestamp()));
    select extract(epoch from least(
        (select min(s.available_at) from stages s join queues q on q.name = s.queue
         where s.state = 'ready' and s.available_at > clock_timestamp() and not q.paused),
        (select min(l.expires_at) from leases l
         where exists (select from stages s where s.state = 'running' and s.lease_id = l.id))
    ) - clock_timestamp()) into due_in;
    select count(*) into running from stages where state = 'running';
end $$;
