-- What a loss makes of a stage, said in one place: whoever notices it, the sweeper or the worker of a dead child.
create function state_after_loss(p_deaths integer, p_tries integer, p_max_attempts integer) returns text
language sql immutable parallel safe as $$
    select case when is_poison(p_deaths) or p_tries >= p_max_attempts then 'failed' else 'ready' end
$$;

create function poison_reason(p_deaths integer, p_reason text) returns text language sql immutable parallel safe as $$
    select case when is_poison(p_deaths)
        then p_reason || ' That happened ' || p_deaths || ' times. The file may be too heavy: try a smaller one, or ask '
            || 'an operator to look at the log of the attempts.'
        else p_reason end
$$;
