-- What one person may use in place of everybody's limit, until a day.
create table limit_overrides (
    user_id bigint not null references users,
    limit_name text not null check (limit_name in ('requests', 'jobs', 'uploads')),
    value integer not null check (value >= 0),
    reason text not null,
    until timestamptz not null,
    set_by bigint not null references users,
    set_at timestamptz not null default now(),
    primary key (user_id, limit_name)
);

-- How often whom which limit refused, by minute.
create table limit_refusals (
    minute timestamptz not null,
    user_id bigint not null references users,
    limit_name text not null check (limit_name in ('requests', 'jobs', 'uploads')),
    refused integer not null,
    primary key (minute, user_id, limit_name)
);
