-- What stages record, and what people change, is shown and found at once. A look at the names first: most outputs and
-- files are of no concern here, and hundreds are recorded together.
create function follow_outputs() returns trigger language plpgsql as $$
declare
    v_videos uuid[];
begin
    if not exists (select from inserted where name in ('probe', 'transcribe', 'thumbnails')) then return null; end if;
    v_videos := array(select distinct video_id from inserted where name in ('probe', 'transcribe', 'thumbnails'));
    perform from videos where id = any (v_videos) order by id for no key update;  -- in the order of every other verb
    update videos v set duration = (i.data ->> 'duration')::float8
    from inserted i where i.name = 'probe' and v.id = i.video_id;
    if exists (select from inserted where name = 'transcribe') then
        perform renew_lines(array(select distinct video_id from inserted where name = 'transcribe'));
    end if;
    perform renew_pictures(array(select distinct video_id from inserted where name = 'thumbnails'));
    return null;
end $$;
create trigger outputs_followed after insert on outputs referencing new table as inserted
for each statement execute function follow_outputs();

create function follow_files() returns trigger language plpgsql as $$
declare
    v_videos uuid[];
begin
    if not exists (select from inserted where role in ('thumbnail', 'thumbnail_small')) then return null; end if;
    v_videos := array(select distinct video_id from inserted where role in ('thumbnail', 'thumbnail_small'));
    perform from videos where id = any (v_videos) order by id for no key update;
    perform renew_pictures(v_videos);
    return null;
end $$;
create trigger files_followed after insert on files referencing new table as inserted
for each statement execute function follow_files();

create function follow_new_videos() returns trigger language plpgsql as $$
begin
    perform renew_words(array(select id from inserted));
    return null;
end $$;
create trigger videos_followed after insert on videos referencing new table as inserted
for each statement execute function follow_new_videos();

create function follow_renamed_video() returns trigger language plpgsql as $$
begin
    perform renew_words(array[new.id]);
    return null;
end $$;
create trigger videos_renamed after update of title, file_name, tags on videos for each row
when ((old.title, old.file_name, old.tags) is distinct from (new.title, new.file_name, new.tags))
execute function follow_renamed_video();

create function note_change() returns trigger language plpgsql as $$
begin
    new.changed_at := clock_timestamp();
    return new;
end $$;
create trigger videos_changed before update on videos for each row
when ((old.state, old.title, old.tags, old.thumbnail_id) is distinct from
      (new.state, new.title, new.tags, new.thumbnail_id))
execute function note_change();

-- An edit was saved: `value` null takes its target back to how it was made. Called in the edit's transaction.
create function follow_edit(p_video uuid, p_target text, p_value jsonb) returns void language plpgsql as $$
begin
    perform from videos where id = p_video for no key update;  -- before its lines and words, as who renames it does
    if p_target ~ '^segment:[0-9]{1,9}$' then
        perform set_spoken_line(p_video, substr(p_target, 9)::integer, p_value #>> '{}');
    elsif p_target = 'thumbnail' then
        perform renew_pictures(array[p_video], (p_value #>> '{}')::integer);
    end if;
    update videos set changed_at = clock_timestamp() where id = p_video;
end $$;
