-- The edits of a video that lie over what stands: over the newest output of each name, and of clips also over outputs
-- since all clips were made anew, which later cuts took over. The newest of a target counts; value null took it back.
create function standing_edits(p_video uuid) returns setof edits language sql stable as $$
    select e.* from edits e
    where e.video_id = p_video and (
        e.stage_id in (
            select distinct on (o.name) o.stage_id from outputs o where o.video_id = p_video
            order by o.name, o.stage_id desc)
        or starts_with(e.target, 'clip:') and e.stage_id >= (
            select max(o.stage_id) from outputs o join jobs j on j.id = o.job_id
            where o.video_id = p_video and o.name = 'clips' and not j.options ? 'cuts'))
$$;
