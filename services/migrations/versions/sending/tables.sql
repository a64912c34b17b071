-- What the uploader wrote while the file was on its way, and by what a file that came before is known again.
alter table uploads add column tags text[] not null default '{}';
create index uploads_accepted on uploads (user_id, fingerprint) where video_id is not null;
