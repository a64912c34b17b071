-- What the library shows and finds without reading outputs.
alter table videos
    add column tags text[] not null default '{}',
    add column duration double precision,  -- seconds, once the file was probed
    add column thumbnail_id uuid references files;  -- what stands for the video; until a person chooses, the picked one
