-- Failed sign-ins are counted by name and address, and by address alone; the name of whoever does not exist counts too.
drop index sign_in_failures_recent;
create index sign_in_failures_of_address on sign_in_failures (address, name, at);
create index sign_in_failures_by_age on sign_in_failures (at);

-- Notes an attempt as failed until it proves to be none, unless there were too many within p_seconds: then attempt is
-- null, and wait says in how many seconds there is room again. left_over is how many more the name and address have.
create function begin_sign_in(
    p_name text, p_address text, p_seconds float8, p_of_pair integer, p_of_address integer,
    out attempt bigint, out wait float8, out left_over integer
) language plpgsql as $$
declare
    since constant timestamptz := clock_timestamp() - make_interval(secs => p_seconds);
    of_pair integer;
    of_address integer;
    first_of_pair timestamptz;
    first_of_address timestamptz;
begin
    -- One at a time from one address: whoever waits here counts what was noted before.
    perform pg_advisory_xact_lock(hashtextextended('sign-in ' || p_address, 0));
    delete from sign_in_failures where id in (
        select id from sign_in_failures where at < now() - interval '1 day' order by at limit 100 for update skip locked
    );
    select count(*), min(at), count(*) filter (where name = p_name), min(at) filter (where name = p_name)
        into of_address, first_of_address, of_pair, first_of_pair
        from sign_in_failures where address = p_address and at > since;
    wait := 0;
    if of_pair >= p_of_pair then
        wait := extract(epoch from first_of_pair - since);
    end if;
    if of_address >= p_of_address then
        wait := greatest(wait, extract(epoch from first_of_address - since));
    end if;
    left_over := greatest(p_of_pair - of_pair - 1, 0);
    if of_pair < p_of_pair and of_address < p_of_address then
        insert into sign_in_failures (name, address, at) values (p_name, p_address, clock_timestamp())
            returning id into attempt;
    end if;
end $$;
