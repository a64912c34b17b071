-- The allowed moves stand in the triggers' WHEN, so that the function runs only to refuse.

create function refuse_move() returns trigger language plpgsql as $$
begin
    raise exception 'illegal move of % %: % to %', tg_table_name, old.id, old.state, new.state using errcode = 'BL001';
end $$;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: %', tg_op, tg_table_name, tg_argv[0] using errcode = 'BL001';
end $$;

create trigger stages_move before update of state on stages for each row
when (old.state <> new.state and not (
    (old.state = 'waiting' and new.state in ('ready', 'skipped', 'cancelled'))
    or (old.state = 'ready' and new.state = 'running' and new.token > old.token)
    or (old.state = 'ready' and new.state = 'cancelled')
    or (old.state = 'running' and new.state = 'succeeded' and new.token = old.token)
    or (old.state = 'running' and new.state in ('ready', 'failed'))
    or (old.state = 'running' and new.state = 'cancelled' and new.token > old.token)
    or (old.state in ('failed', 'cancelled') and new.state in ('ready', 'waiting')
        and new.retry_event_id is not null and new.retry_event_id is distinct from old.retry_event_id)
)) execute function refuse_move();

create trigger stages_fence before update on stages for each row
when (new.token < old.token or (old.state = 'running' and new.state = 'running' and new.token <> old.token))
execute function refuse_change('a token only rises, and a running stage keeps its own');

create trigger stages_final before update on stages for each row
when (old.state in ('succeeded', 'skipped')) execute function refuse_change('the stage is settled');

create trigger stages_start before insert on stages for each row
when (new.state not in ('waiting', 'ready')) execute function refuse_change('a stage starts waiting or ready');

create trigger jobs_move before update of state on jobs for each row
when (old.state <> new.state and not (
    (old.state = 'queued' and new.state in ('running', 'cancelled'))
    or (old.state = 'running' and new.state in ('succeeded', 'failed', 'cancelled'))
    or (old.state = 'failed' and new.state = 'running')
    or (old.state = 'cancelled' and new.state in ('queued', 'running'))
)) execute function refuse_move();

create trigger videos_move before update of state on videos for each row
when (old.state <> new.state and (
    old.state = 'repurposed'
    or (old.state = 'analyzed' and new.state in ('uploaded', 'processing'))
    or (old.state in ('processing', 'failed') and new.state = 'uploaded')
)) execute function refuse_move();

create trigger events_kept before update or delete on events for each row
execute function refuse_change('history is append-only');
create trigger events_not_truncated before truncate on events for each statement
execute function refuse_change('history is append-only');

create trigger outputs_kept before update or delete on outputs for each row
execute function refuse_change('an output is recorded once');

create function refuse_unfenced() returns trigger language plpgsql as $$
begin
    if not exists (select from stages where id = new.stage_id and state = 'succeeded' and token = new.token) then
        raise exception '% for stage % without its success under token %', tg_table_name, new.stage_id, new.token
            using errcode = 'BL001';
    end if;
    return null;
end $$;

create constraint trigger outputs_fenced after insert on outputs for each row execute function refuse_unfenced();
create constraint trigger files_fenced after insert on files for each row
when (new.stage_id is not null) execute function refuse_unfenced();
