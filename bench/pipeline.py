"""A generated talk through the local pipeline, beside each step alone: `python -m bench.pipeline --minutes 10`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import av
from sqlalchemy import text

from bench.alone import run_alone
from bench.client import Client
from bench.figures import Alone, Figure, critical_path, floor
from bench.fleet import Fleet, fleet, temporary_home
from bench.footage import talk
from bench.memory import EVERY, Peaks
from bench.report import Wrong, run, say
from bench.sampling import sampled
from services.model import JobState, StageName, StageState, User
from services.outputs import AnalysisOutput, ClipsOutput, PostsOutput, ThumbnailsOutput, TranscriptOutput
from services.videos import VideoDetail

NAMES = (
    "wall_s",
    "worker_peak_mib",
    "stage_s",
    "transcribe_realtime",
    "cpu_s",
    "critical_path_s",
    "floor_s",
    "ratio_to_floor",
)
LIMITS = {"ratio_to_floor": 1.25, "worker_peak_mib": 700.0}
FLEET = {"BACKLOT_AI_WORKERS": "1", "BACKLOT_MEDIA_WORKERS": str(os.cpu_count() or 1)}
TITLE = "talk.mp4"
CLIPS = 3
LOOK = 1.0  # seconds between two looks at the job: rare enough to cost nothing beside the work
WALL_LIMIT_FACTOR = 5.0  # of the talk's length, after which the job counts as stuck
CLIP_DRIFT = 0.2  # seconds by which a clip's file may be longer or shorter than its record
FEWEST_WORDS_A_MINUTE = 80

# By Postgres's clock, from the acceptance to the end of the last stage, and each stage's succeeded attempt.
WALL = """
    select extract(epoch from max(s.finished_at) - (
        select at from events where job_id = :job and action = 'job accepted'))::float8
    from stages s where s.job_id = :job
"""
STAGES = """
    select s.name, extract(epoch from a.finished_at - a.started_at)::float8 as seconds
    from attempts a join stages s on s.id = a.stage_id
    where s.job_id = :job and a.outcome = 'succeeded' order by s.id
"""


def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
    length = 60.0 * arguments.minutes
    with temporary_home() as home:
        say(f"  making a talk of {arguments.minutes:g} min")
        video = talk(home, seconds=length)
        say(f"  {video.stat().st_size / 2**20:.0f} MiB")
        with fleet(home, FLEET) as product:
            user = product.new_user("bench")
            client = Client(product.address, product.services.sessions.issue_ticket(user))
            workers = {name: pid for name, pid in product.processes.items() if name.startswith(("media-", "ai-"))}
            peaks = Peaks(workers)
            with sampled(peaks.look, every=EVERY):
                sent = client.upload(video, name=TITLE)
                _follow(product, user, sent.job_id, limit=WALL_LIMIT_FACTOR * length)
            detail = product.services.videos.get(user, sent.video_id)
            sources = {
                (file.role, file.position): product.services.videos.open_file(user, file.id).path
                for file in detail.files
            }
            _check(detail, sources, length)
            stage_s = _fill_in(product, sent.job_id, figures)
        say("  peak MiB: " + ", ".join(f"{name} {size:.0f}" for name, size in sorted(peaks.mib.items())))
        figures["worker_peak_mib"] = max(peaks.mib.values(), default=None)
        figures["transcribe_realtime"] = length / stage_s[StageName.TRANSCRIBE]
        alone = _each_alone(detail, sources, home)
    cores = os.cpu_count() or 1
    figures["cpu_s"] = sum(stage.cpu_s for stage in alone.values())
    figures["critical_path_s"] = critical_path({name: stage.wall_s for name, stage in alone.items()})
    figures["floor_s"] = least = floor(alone, cores=cores)
    wall = figures["wall_s"]
    figures["ratio_to_floor"] = wall / least if isinstance(wall, float) else None


def _follow(product: Fleet, user: User, job_id: UUID, *, limit: float) -> None:
    """Raises Wrong unless all six stages succeed."""
    deadline = time.monotonic() + limit
    said = ""
    while (job := product.services.operations.job(user, job_id)).state in {JobState.QUEUED, JobState.RUNNING}:
        if time.monotonic() > deadline:
            raise Wrong(f"The job is still {job.state} at {job.percent:.0f}% after {limit:.0f} s.")
        line = f"  {job.percent // 10 * 10:3.0f}%  {job.message}"
        if line[:6] != said[:6]:
            say(line)
            said = line
        time.sleep(LOOK)
    unsuccessful = {stage.name: stage.reason for stage in job.stages if stage.state is not StageState.SUCCEEDED}
    if job.state is not JobState.SUCCEEDED or unsuccessful:
        raise Wrong(f"The job {job.state}: {unsuccessful}.")


def _check(detail: VideoDetail, files: Mapping[tuple[str, int], Path], length: float) -> None:
    """Raises Wrong unless every stage made something of use, and the clips play for as long as they should."""
    found = detail.outputs
    transcript, clips = found[StageName.TRANSCRIBE], found[StageName.CLIPS]
    analysis, posts, thumbnails = found[StageName.ANALYZE], found[StageName.POSTS], found[StageName.THUMBNAILS]
    assert isinstance(transcript, TranscriptOutput)
    assert isinstance(clips, ClipsOutput)
    assert isinstance(analysis, AnalysisOutput)
    assert isinstance(posts, PostsOutput)
    assert isinstance(thumbnails, ThumbnailsOutput)
    words = sum(len(segment.words) for segment in transcript.segments)
    if words < FEWEST_WORDS_A_MINUTE * length / 60:
        raise Wrong(f"Only {words} words were heard in {length:.0f} s.")
    if not (analysis.summary and analysis.chapters and posts.posts and thumbnails.thumbnails):
        raise Wrong("The summary, the chapters, the posts or the thumbnails are missing.")
    if len(clips.clips) != CLIPS:
        raise Wrong(f"There are {len(clips.clips)} clips, not {CLIPS}.")
    for clip in clips.clips:
        for role, wanted in (("clip_portrait", 9 / 16), ("clip_landscape", 16 / 9)):
            with av.open(str(files[role, clip.position])) as container:
                picture = container.streams.video[0]
                next(container.decode(picture))
                container.seek(0)
                pictures = sum(1 for packet in container.demux(picture) if packet.size)
                played = pictures / float(picture.average_rate or 1)
            if (
                abs(played - (clip.end - clip.start)) > CLIP_DRIFT
                or abs(picture.width / picture.height - wanted) > 0.01
            ):
                raise Wrong(
                    f"The {role} {clip.position} plays {played:.2f} s, not {clip.end - clip.start:.2f}, "
                    f"at {picture.width} by {picture.height}."
                )
    seconds = ", ".join(f"{clip.end - clip.start:.1f}" for clip in clips.clips)
    say(f"  {words} words, {len(thumbnails.scene_cuts)} scene cuts, clips of {seconds} s")


def _fill_in(product: Fleet, job_id: UUID, figures: dict[str, Figure]) -> dict[StageName, float]:
    """The wall and the stages' durations, as recorded."""
    with product.services.database.transaction() as connection:
        figures["wall_s"] = float(connection.execute(text(WALL), {"job": job_id}).scalar_one())
        rows = connection.execute(text(STAGES), {"job": job_id}).all()
    stage_s = {StageName(row.name): float(row.seconds) for row in rows}
    figures["stage_s"] = {name.value: seconds for name, seconds in stage_s.items()}
    return stage_s


def _each_alone(detail: VideoDetail, files: Mapping[tuple[str, int], Path], folder: Path) -> dict[StageName, Alone]:
    recorded = {name: output.model_dump(mode="json") for name, output in detail.outputs.items()}
    made = {stage.id: stage.name for stage in detail.job.stages}
    alone: dict[StageName, Alone] = {}
    for name in made.values():
        alone[name] = run_alone(
            name,
            title=detail.video.title,
            source=files["source", 0],
            outputs={other: data for other, data in recorded.items() if other is not name},
            files=len([role for role, _ in files if role in ROLES.get(name, ())]),
            folder=folder,
        )
        say(f"  {name} alone: {alone[name].wall_s:.2f} s, {alone[name].cpu_s:.2f} CPU-seconds")
    return alone


# Which files a stage makes, by their roles.
ROLES = {
    StageName.THUMBNAILS: ("thumbnail",),
    StageName.CLIPS: ("clip_portrait", "clip_portrait_poster", "clip_landscape", "clip_landscape_poster"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.pipeline", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    return run(parser, measure, names=NAMES, limits=LIMITS)


if __name__ == "__main__":
    sys.exit(main())
