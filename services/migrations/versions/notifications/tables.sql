-- A message to a user. Written where a job ends, in the same transaction.
create table notifications (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    video_id uuid references videos,
    job_id uuid references jobs,
    kind text not null check (kind in ('job succeeded', 'job failed')),
    at timestamptz not null default clock_timestamp(),
    read_at timestamptz
);
create index notifications_of_user on notifications (user_id, id desc);
create index notifications_unread on notifications (user_id) where read_at is null;
