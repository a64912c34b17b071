-- What sets a password without the present one: handed over by an admin, good once.
create table reset_links (
    digest bytea primary key,
    user_id bigint not null references users,
    created_by bigint not null references users,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index reset_links_of_user on reset_links (user_id);

-- What lets a program in as a person. The token itself is known to nobody but whoever made it.
create table api_tokens (
    id uuid primary key,
    user_id bigint not null references users,
    name text not null,
    digest bytea not null unique,
    hint text not null,  -- its last characters, to tell one from another
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index api_tokens_of_user on api_tokens (user_id, created_at desc);
