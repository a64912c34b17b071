-- What a word that a person typed looks for: words that begin so, or whose English stem does. A word that English
-- uses everywhere looks for nothing; p_always makes it count.
create function word_query(p_word text, p_always boolean) returns tsquery immutable strict parallel safe
return case
    when p_always or numnode(to_tsquery('english', '''' || translate(p_word, '''\', '') || '''')) > 0
    then to_tsquery('english', '''' || translate(p_word, '''\', '') || ''':*')
        || to_tsquery('simple', '''' || translate(p_word, '''\', '') || ''':*')
    else ''::tsquery
end;

-- Videos that hold the words, or a part in their name, which may be null. By the indexes: the planner takes reading the
-- words of every video for cheap, since it does not see that they are kept apart.
create function videos_with_words(p_words tsquery, p_part text) returns setof uuid language sql stable rows 20000
set enable_seqscan = off as $$
    select video_id from video_words where words @@ p_words
    union
    select video_id from video_words where name ilike p_part
$$;

-- Videos in which words follow each other: in one spoken line, or in the name.
create function videos_with_phrase(p_spoken tsquery, p_words tsquery, p_named tsquery) returns setof uuid
language sql stable rows 20000 set enable_seqscan = off as $$
    select video_id from spoken_lines where search @@ p_spoken
    union
    select video_id from video_words where words @@ p_words and to_tsvector('simple', plain_words(name)) @@ p_named
$$;

-- Words and their stems without positions. A text beyond what an index entry may hold is taken as far as it fits.
create function text_words(p_text text, p_english boolean) returns tsvector language plpgsql immutable strict as $$
begin
    return case when p_english then strip(to_tsvector('english', plain_words(p_text))) else ''::tsvector end
        || strip(to_tsvector('simple', plain_words(p_text)));
exception when program_limit_exceeded then
    return case when length(p_text) > 1000 then text_words(left(p_text, length(p_text) / 2), p_english) else ''::tsvector end;
end $$;

create function renew_words(p_videos uuid[]) returns void language sql as $$
    insert into video_words (video_id, name, words)
    select v.id, n.name, text_words(n.name, true) || coalesce(text_words(s.text, s.english), '')
    from videos v
    cross join lateral (select concat_ws(' ', v.title, v.file_name, array_to_string(v.tags, ' ')) as name) n
    cross join lateral (
        select string_agg(l.text, ' ' order by l.position) as text, bool_or(l.english) as english
        from spoken_lines l where l.video_id = v.id
    ) s
    where v.id = any (p_videos)
    on conflict (video_id) do update set name = excluded.name, words = excluded.words
$$;

-- The lines of the newest transcripts of these videos, in place of what was there.
create function renew_lines(p_videos uuid[]) returns void language sql as $$
    delete from spoken_lines where video_id = any (p_videos);
    insert into spoken_lines (video_id, position, start, "end", text, english)
    select o.video_id, s.number - 1, coalesce((s.segment ->> 'start')::float8, 0), coalesce((s.segment ->> 'end')::float8, 0),
        coalesce(s.segment ->> 'text', ''), coalesce(o.data ->> 'language' = 'en', false)
    from (
        select distinct on (video_id) video_id, data from outputs
        where video_id = any (p_videos) and name = 'transcribe' order by video_id, stage_id desc
    ) o
    cross join lateral jsonb_array_elements(
        case when jsonb_typeof(o.data -> 'segments') = 'array' then o.data -> 'segments' else '[]' end
    ) with ordinality as s (segment, number);
    select renew_words(p_videos);
$$;

-- The pictures of the newest thumbnails of these videos. p_position: what a person chose; null: the one that was picked.
create function renew_pictures(p_videos uuid[], p_position integer default null) returns void language sql as $$
    update videos v set pictures = made.pictures, thumbnail_id = made.chosen
    from (
        select o.video_id, coalesce(array_agg(f.id order by f.position) filter (where f.id is not null), '{}') as pictures,
            (array_agg(f.id order by f.position <> coalesce(p_position, p.picked, f.position), f.position))[1] as chosen
        from (
            select distinct on (video_id) video_id, stage_id, data from outputs
            where video_id = any (p_videos) and name = 'thumbnails' order by video_id, stage_id desc
        ) o
        cross join lateral (
            select min((t ->> 'position')::integer) filter (where (t ->> 'picked')::boolean) as picked
            from jsonb_array_elements(
                case when jsonb_typeof(o.data -> 'thumbnails') = 'array' then o.data -> 'thumbnails' else '[]' end
            ) as t
        ) p
        left join lateral (
            select distinct on (f.position) f.id, f.position from files f
            where f.stage_id = o.stage_id and f.role in ('thumbnail', 'thumbnail_small')
            order by f.position, f.role = 'thumbnail_small' desc
        ) f on true
        group by o.video_id
    ) made
    where v.id = any (p_videos) and v.id = made.video_id
        and (v.pictures, v.thumbnail_id) is distinct from (made.pictures, made.chosen)
$$;

-- Correct what is found and shown of a line; null: as it was recognised.
create function set_spoken_line(p_video uuid, p_position integer, p_text text) returns void language sql as $$
    update spoken_lines l set text = coalesce(p_text, (
        select o.data -> 'segments' -> p_position ->> 'text' from outputs o
        where o.video_id = p_video and o.name = 'transcribe' order by o.stage_id desc limit 1
    ), l.text)
    where l.video_id = p_video and l.position = p_position;
    select renew_words(array[p_video]);
$$;
