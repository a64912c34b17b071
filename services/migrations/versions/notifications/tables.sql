-- A message to a user. Written where a job ends, in the same transaction.
create table notifications (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    video_id uuid not null,  -- like events without a reference: a job that ends has both rows locked
    job_id uuid not null,
    kind text not null check (kind in ('job succeeded', 'job failed')),
    at timestamptz not null default clock_timestamp(),
    read_at timestamptz
);
create index notifications_of_user on notifications (user_id, id desc);
create index notifications_unread on notifications (user_id) where read_at is null;
create index notifications_old on notifications using brin (at);  -- rows come in this order: the oldest go first

-- What Home asks for, by person: what is under way, and what ended last.
drop index jobs_unfinished;
create index jobs_unfinished on jobs (user_id, created_at) where state in ('queued', 'running');
create index jobs_ended on jobs (user_id, state, finished_at desc) where state in ('succeeded', 'failed');
