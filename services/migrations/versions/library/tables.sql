-- What the library shows and finds without reading outputs. All of it follows from outputs, files and edits.
alter table videos
    add column tags text[] not null default '{}',
    add column duration double precision,  -- seconds, once the file was probed
    add column thumbnail_id uuid references files,  -- what stands for the video; until a person chooses, the picked one
    add column pictures uuid[] not null default '{}',  -- files: its thumbnails in order of time, small where there are
    add column changed_at timestamptz not null default now();  -- of state, title, tags or what was edited

create index videos_by_state on videos (state, created_at desc, id desc);
create index videos_by_title on videos (lower(title), id);
create index videos_by_length on videos (coalesce(duration, -1) desc, id desc);
create index videos_by_change on videos (changed_at desc, id desc);
create index videos_by_tag on videos using gin (tags);

-- A piece of text as words apart: the parser would keep a file name or a compound as one word. Letters of every script
-- stay whatever the database's locale is, so this names what parts words.
create function plain_words(p_text text) returns text immutable strict parallel safe
return regexp_replace(p_text, '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\u2000-\u206f\u3000-\u3003]+', ' ', 'g');

-- The words of a line as they were spoken (weight A, whose positions phrases go by), and for English their stems.
create function line_words(p_text text, p_english boolean) returns tsvector immutable strict parallel safe
return case when p_english then to_tsvector('english', plain_words(p_text)) else ''::tsvector end
    || setweight(to_tsvector('simple', plain_words(p_text)), 'A');

-- The transcript as it stands: the newest one, with what people corrected.
create table spoken_lines (
    video_id uuid not null references videos,
    position integer not null,  -- of the segment, from 0
    start double precision not null,  -- seconds
    "end" double precision not null,
    text text not null,
    english boolean not null,
    search tsvector not null generated always as (line_words(text, english)) stored,
    primary key (video_id, position)
);
create index spoken_lines_search on spoken_lines using gin (search);

-- One row a video, so that what many videos say costs one look each and not one a line. Apart from videos, whose rows
-- change with every state: their words would be indexed again each time.
create table video_words (
    video_id uuid primary key references videos,
    name text not null,  -- title, file name and tags
    words tsvector not null  -- of the name and of all that is spoken
) with (toast_tuple_target = 128);
alter table video_words alter column words set storage external;  -- the index answers; the words themselves are in the way
create index video_words_words on video_words using gin (words);

-- Parts of words in names, such as codes. Where the extension cannot be had, or not in a schema that is searched, names
-- are looked through one by one.
do $$
begin
    create extension if not exists pg_trgm;
    create index video_words_name on video_words using gin (name gin_trgm_ops);
exception when insufficient_privilege or undefined_file or feature_not_supported or undefined_object then
    raise notice 'pg_trgm is not available: searching for parts of words is slower without it';
end $$;
