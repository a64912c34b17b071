-- What the uploader wrote while the file was on its way.
alter table uploads add column tags text[] not null default '{}';
