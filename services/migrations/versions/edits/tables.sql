-- What a person changed of an output, which keeps the original. Append-only: the newest edit of a target counts.
create table edits (
    id bigint generated always as identity primary key,
    video_id uuid not null references videos,
    stage_id bigint not null references stages,  -- whose output was changed
    target text not null check (length(target) between 1 and 100),  -- segment:12, post:linkedin, thumbnail
    value jsonb,  -- null: as it was made
    user_id bigint not null references users,
    at timestamptz not null default clock_timestamp()
);
create index edits_of_video on edits (video_id, stage_id, target, id desc);
create trigger edits_kept before update or delete on edits for each row
execute function refuse_change('an edit is history');

-- What a job was asked for beyond its kind, such as where a clip is to be cut.
alter table jobs add column options jsonb not null default '{}';
