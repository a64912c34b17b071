-- What was recorded before the library looked.
select renew_lines(array(select id from videos));
select renew_pictures(array(select id from videos));
update videos v set
    duration = (select (o.data ->> 'duration')::float8 from outputs o
                where o.video_id = v.id and o.name = 'probe' order by o.stage_id desc limit 1),
    changed_at = greatest(v.created_at, (select max(o.created_at) from outputs o where o.video_id = v.id));
