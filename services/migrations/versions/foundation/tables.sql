create table users (
    id bigint generated always as identity primary key,
    name text not null unique check (name = lower(name) and length(name) between 1 and 64),
    role text not null check (role in ('creator', 'analyst', 'operator', 'admin')),
    password_hash text not null,
    must_change_password boolean not null default true,
    disabled_at timestamptz,
    version integer not null default 1,  -- raised with role and password: sessions of an older version end
    next_turn bigint not null default 0,  -- start-time fair queueing, see accept_job
    created_at timestamptz not null default now()
);

create table sessions (
    id uuid primary key,
    user_id bigint not null references users,
    user_version integer not null,
    address text not null,
    user_agent text not null,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_reason text
);
create index sessions_of_user on sessions (user_id, created_at desc);

create table tickets (
    digest bytea primary key,
    user_id bigint not null references users,
    expires_at timestamptz not null
);

create table sign_in_failures (
    id bigint generated always as identity primary key,
    name text not null,
    address text not null,
    at timestamptz not null default now()
);
create index sign_in_failures_recent on sign_in_failures (name, address, at);

create table videos (
    id uuid primary key,
    user_id bigint not null references users,
    title text not null,
    file_name text not null,
    size_bytes bigint not null,
    sha256 text not null,
    state text not null default 'uploaded'
        check (state in ('uploaded', 'processing', 'analyzed', 'repurposed', 'failed', 'cancelled')),
    created_at timestamptz not null default now()
);
create index videos_of_user on videos (user_id, created_at desc, id desc);
create index videos_newest on videos (created_at desc, id desc);

create table uploads (
    id uuid primary key,
    user_id bigint not null references users,
    file_name text not null,
    title text not null,
    size_bytes bigint not null check (size_bytes > 0),
    fingerprint text not null,
    offset_bytes bigint not null default 0 check (offset_bytes between 0 and size_bytes),
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now(),
    video_id uuid unique references videos
);
create index uploads_unfinished on uploads (user_id, fingerprint) where video_id is null;

create table queues (
    name text primary key,
    paused boolean not null default false,
    virtual_time bigint not null default 0
);
insert into queues (name) values ('media'), ('ai');

create table events (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,  -- user:ID, worker:NAME, sweeper, or system
    action text not null,
    user_id bigint,
    video_id uuid,
    job_id uuid,
    stage_id bigint,
    token bigint,  -- of the attempt that this ended
    reason text,
    details jsonb not null default '{}'
);
create index events_of_job on events (job_id, id) where job_id is not null;
create index events_of_video on events (video_id, id) where video_id is not null;

create table jobs (
    id uuid primary key,
    video_id uuid not null references videos,
    user_id bigint not null references users,
    kind text not null check (kind in ('pipeline', 'transcribe', 'analyze', 'thumbnails', 'clips', 'posts')),
    priority smallint not null,
    turn bigint not null,
    state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    starts_at timestamptz not null,  -- later than created_at when the hourly limit was used up
    created_at timestamptz not null default now(),
    finished_at timestamptz
);
create index jobs_of_video on jobs (video_id, created_at desc);
create index jobs_newest on jobs (created_at desc, id desc);
create index jobs_unfinished on jobs (state) where state in ('queued', 'running');

create table quota_uses (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    quota text not null check (quota in ('uploads', 'jobs')),
    at timestamptz not null,  -- when it counts: a job set for later counts then
    video_id uuid not null references videos,
    job_id uuid references jobs
);
create index quota_uses_recent on quota_uses (user_id, quota, at desc);

create table leases (
    id uuid primary key,
    worker text not null,
    queue text not null references queues,
    host text not null,
    pid integer not null,
    expires_at timestamptz not null,
    progress jsonb not null default '{}'  -- stage id -> {"percent": 0..100, "message": text}
) with (fillfactor = 50);

create table stages (
    id bigint generated always as identity primary key,
    job_id uuid not null references jobs,
    video_id uuid not null references videos,
    user_id bigint not null references users,
    name text not null check (name in ('probe', 'transcribe', 'analyze', 'thumbnails', 'clips', 'posts')),
    queue text not null references queues,
    state text not null
        check (state in ('waiting', 'ready', 'running', 'succeeded', 'skipped', 'failed', 'cancelled')),
    priority smallint not null,
    turn bigint not null,
    after text[] not null,
    pending smallint not null check (pending >= 0),  -- how many of `after` are not settled yet
    available_at timestamptz not null,
    token bigint not null default 0,  -- the fence: raised by every claim and every taking away
    tries smallint not null default 0,
    max_attempts smallint not null,
    deaths smallint not null default 0,  -- workers that died while running it
    lease_id uuid,
    started_at timestamptz,
    finished_at timestamptz,
    reason text,  -- why it was skipped, failed or put back, for people
    retry_event_id bigint references events,
    unique (job_id, name),
    check (state <> 'waiting' or pending > 0),
    check (state <> 'ready' or pending = 0),
    check ((state = 'running') = (lease_id is not null)),
    check (state <> 'skipped' or reason is not null)
);
create index stages_ready on stages (queue, user_id, priority, turn, id) where state = 'ready';
create index stages_due on stages (available_at) where state = 'ready';
create index stages_running on stages (queue, user_id) where state = 'running';
create index stages_leased on stages (lease_id) where state = 'running';
create index stages_of_video on stages (video_id, name, id desc);

create table attempts (
    id bigint generated always as identity primary key,
    stage_id bigint not null references stages,
    token bigint not null,
    number smallint not null,
    worker text not null,
    ready_at timestamptz not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    outcome text check (outcome in ('succeeded', 'retried', 'failed', 'lost', 'released', 'cancelled')),
    reason text,
    error text,  -- the trace, for operators
    cost numeric(14, 6) not null default 0,
    unique (stage_id, token),
    check ((finished_at is null) = (outcome is null))
);

create table outputs (
    stage_id bigint primary key references stages,
    token bigint not null,
    job_id uuid not null references jobs,
    video_id uuid not null references videos,
    name text not null,
    data jsonb not null,
    created_at timestamptz not null default now()
);
create index outputs_of_video on outputs (video_id, name, stage_id desc);

create table files (
    id uuid primary key default gen_random_uuid(),
    video_id uuid not null references videos,
    stage_id bigint references stages,
    token bigint,
    role text not null,
    position smallint not null default 0,
    storage_key text not null unique,
    media_type text not null,
    size_bytes bigint not null,
    created_at timestamptz not null default now(),
    unique (stage_id, role, position),
    check ((stage_id is null) = (token is null))
);
create index files_of_video on files (video_id);
create unique index one_source on files (video_id) where role = 'source';

create table ai_calls (
    id bigint generated always as identity primary key,
    stage_id bigint not null references stages,
    token bigint not null,
    engine text not null,
    model text not null,
    prompt_version text,
    unit text not null,
    quantity double precision not null,
    cost numeric(14, 6) not null,
    at timestamptz not null default now()
);
create index ai_calls_of_stage on ai_calls (stage_id);
