-- Tables like the product's, for peers that make the same writes: its columns and indexes, without guards and foreign
-- keys, which spares the peers some work.
create table jobs (
    id uuid primary key, video_id uuid not null, user_id bigint not null, kind text not null,
    priority smallint not null, state text not null, starts_at timestamptz not null,
    created_at timestamptz not null default now(), finished_at timestamptz
);
create index on jobs (video_id, created_at desc);
create index on jobs (created_at desc, id desc);
create index on jobs (state) where state in ('queued', 'running');

create table quota_uses (
    id bigint generated always as identity primary key,
    user_id bigint not null, quota text not null, at timestamptz not null, video_id uuid not null, job_id uuid
);
create index on quota_uses (user_id, quota, at desc);

create table stages (
    id bigint generated always as identity primary key,
    job_id uuid not null, video_id uuid not null, user_id bigint not null, name text not null, queue text not null,
    state text not null, priority smallint not null, after text[] not null, pending smallint not null,
    available_at timestamptz not null, token bigint not null default 0, tries smallint not null default 0,
    started_at timestamptz, finished_at timestamptz, reason text,
    unique (job_id, name)
);
create index on stages (queue, user_id, priority, id) where state = 'ready';
create index on stages (available_at) where state = 'ready';
create index on stages (queue, user_id) where state = 'running';
create index on stages (video_id, name, id desc);

create table attempts (
    id bigint generated always as identity primary key,
    stage_id bigint not null, token bigint not null, number smallint not null, worker text not null,
    ready_at timestamptz not null, started_at timestamptz not null, finished_at timestamptz, outcome text,
    unique (stage_id, token)
);

create table outputs (
    stage_id bigint primary key,
    token bigint not null, job_id uuid not null, video_id uuid not null, name text not null, data jsonb not null,
    created_at timestamptz not null default now()
);
create index on outputs (video_id, name, stage_id desc);

create table events (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null, action text not null, user_id bigint, video_id uuid, job_id uuid, stage_id bigint, token bigint
);
create index on events (job_id, id) where job_id is not null;
create index on events (video_id, id) where video_id is not null;
