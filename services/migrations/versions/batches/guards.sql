-- One look per statement in place of one per row: hundreds of outputs are recorded at once.
create function refuse_unfenced_many() returns trigger language plpgsql as $$
declare
    v_stage bigint;
begin
    select i.stage_id into v_stage from inserted i
    where i.stage_id is not null
        -- A scalar subquery is always a look by key; `not exists` was planned as a scan of all stages.
        and (select s.state = 'succeeded' and s.token = i.token from stages s where s.id = i.stage_id) is not true
    limit 1;
    if found then
        raise exception '% for stage % without its success under its token', tg_table_name, v_stage
            using errcode = 'BL001';
    end if;
    return null;
end $$;

drop trigger outputs_fenced on outputs;
drop trigger files_fenced on files;
drop function refuse_unfenced();
create trigger outputs_fenced after insert on outputs referencing new table as inserted
for each statement execute function refuse_unfenced_many();
create trigger files_fenced after insert on files referencing new table as inserted
for each statement execute function refuse_unfenced_many();

-- What concerns neither video nor job: pauses, refused messages.
create index events_of_the_house on events (action, id) where video_id is null and job_id is null;

-- Each move of a stage writes into every index that it is in: what runs is few, and found by stages_running.
drop index stages_leased;
-- Room on the page for the one change that an attempt's row sees.
alter table attempts set (fillfactor = 70);
