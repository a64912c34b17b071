-- Renew a lease with its percents. lost: the stages among p_stages that are no longer its own; null: it has lapsed.
-- unknown: what runs under the lease and its worker does not know of, since the answer to its claim was lost on the way.
drop function beat(uuid, double precision, jsonb, bigint[], bigint[]);
create function beat(
    p_lease uuid, p_seconds double precision, p_progress jsonb, p_stages bigint[], p_tokens bigint[],
    out lost bigint[], out unknown_stages bigint[], out unknown_tokens bigint[]
) language plpgsql as $$
begin
    update leases set expires_at = clock_timestamp() + make_interval(secs => p_seconds), progress = p_progress
    where id = p_lease and expires_at > clock_timestamp();
    if not found then return; end if;
    lost := array(
        select held.id from unnest(p_stages, p_tokens) as held (id, token)
        where not exists (select from stages s where s.id = held.id and s.token = held.token and s.state = 'running'
                          and s.lease_id = p_lease)
    );
    select coalesce(array_agg(s.id), '{}'), coalesce(array_agg(s.token), '{}') into unknown_stages, unknown_tokens
    from stages s
    where s.state = 'running' and s.lease_id = p_lease and s.id <> all (p_stages)
        and s.started_at < clock_timestamp() - interval '5 seconds';  -- the answer to a claim may be on its way
end $$;
