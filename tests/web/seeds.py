"""What the fakes hold: a house without videos, one at work, and one whose stores are away."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import patch
from uuid import NAMESPACE_URL, UUID, uuid5

import av
from imageio_ffmpeg import get_ffmpeg_exe

from services.database import NO_ANSWER
from services.errors import Unavailable
from services.model import LimitName, Role, StageName, StageState, User, VideoState
from services.videos import VideoDetail
from tests.web import fakes
from tests.web.made import all_outputs

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample" / "sample.mp4"
SECONDS = 85.4  # how long the sample is
VALID, EXPIRED, ONE_TIME = "valid-token", "expired-token", "one-time-token"
RESET, OLD_RESET = "reset-good", "reset-old"
OF_ROLE = {role: f"{role}-token" for role in Role}  # sessions of one person of each role
# What a house whose stores are away still has: who is signed in, remembered in the process, and its settings.
STILL_THERE = frozenset({"settings", "sessions", "sweeper", "live"})


def signed_in() -> fakes.FakeServices:
    """Sessions, a link to choose a password, and nothing else."""
    services = fakes.FakeServices()
    services.accounts.links[RESET] = fakes.BO.name
    people = {
        role: User(id=50 + number, name=f"an-{role}", role=role, must_change_password=False)
        for number, role in enumerate(Role)
    }
    services.accounts.users |= {user.name: user for user in people.values()}
    for token, user, hours in (
        (VALID, fakes.ANA, 12),
        (EXPIRED, fakes.ANA, -1),
        (ONE_TIME, fakes.NEW, 12),
        *((OF_ROLE[role], user, 12) for role, user in people.items()),
    ):
        services.sessions.put(token, user, address="192.0.2.10", ends_in=timedelta(hours=hours))
    return services


@functools.cache
def frames(count: int = 6) -> tuple[Path, ...]:
    """Stills of the sample, evenly taken, in a folder that lives as long as the process."""
    folder = Path(tempfile.mkdtemp(prefix="backlot-frames-"))
    with av.open(str(SAMPLE)) as film:
        stream = film.streams.video[0]
        length = float((film.duration or 0) / av.time_base)
        made = []
        for number in range(count):
            film.seek(int(length * (number + 0.5) / count * av.time_base))
            frame = next(film.decode(stream))
            path = folder / f"{number}.jpg"
            frame.to_image().resize((640, 360)).save(path, quality=82)
            made.append(path)
    return tuple(made)


@functools.cache
def portraits(count: int = 3) -> tuple[Path, ...]:
    """Short upright pieces of the sample, as a clip for telephones is."""
    folder = Path(tempfile.mkdtemp(prefix="backlot-portraits-"))
    made = []
    for number in range(count):
        path = folder / f"{number}.mp4"
        cut = (
            "-ss",
            str(SECONDS * (number + 0.5) / count),
            "-t",
            "2",
            "-i",
            str(SAMPLE),
            "-vf",
            "crop=ih*9/16:ih,scale=360:640",
        )
        codec = ("-c:v", "libx264", "-preset", "ultrafast", "-an", "-movflags", "+faststart")
        subprocess.run([get_ffmpeg_exe(), "-loglevel", "error", *cut, *codec, str(path)], check=True)
        made.append(path)
    return tuple(made)


def store(services: fakes.FakeServices, video: VideoDetail, *, picture: int = 0) -> VideoDetail:
    """Puts the video into the fakes, with real pictures from the sample; picture turns their order."""
    fakes.store(services, video, lambda role: SAMPLE)
    stills, clips = frames(), portraits()
    for file in video.files:
        path = None
        if file.media_type.startswith("image/"):
            path = stills[(file.position + picture) % len(stills)]
        elif file.role == "clip_portrait":
            path = clips[file.position % len(clips)]
        if path is not None:
            services.videos.stored[file.id] = replace(
                services.videos.stored[file.id], path=path, size=path.stat().st_size
            )
    return video


def states(**some: StageState) -> dict[StageName, StageState]:
    return {name: some.get(name.value, StageState.WAITING) for name in StageName}


DONE, RUNNING, READY = StageState.SUCCEEDED, StageState.RUNNING, StageState.READY
TRANSCRIBING = states(probe=DONE, thumbnails=DONE, transcribe=RUNNING)
CLIPPING = states(probe=DONE, thumbnails=DONE, transcribe=DONE, analyze=DONE, posts=DONE, clips=RUNNING)
BROKEN_FILE = dict.fromkeys(StageName, StageState.CANCELLED) | {StageName.PROBE: StageState.FAILED}
STOPPED = dict.fromkeys(StageName, StageState.CANCELLED) | {StageName.PROBE: DONE, StageName.THUMBNAILS: DONE}
REASON = "The file ends before its index. Export it again and upload it once more."

# title, owner, state, stages, outputs, minutes ago
Told = tuple[str, User, VideoState, Mapping[StageName, StageState], tuple[StageName, ...], int]
EARLY, LATE = (
    (StageName.PROBE, StageName.THUMBNAILS),
    tuple(name for name in StageName if name is not StageName.CLIPS),
)
ALL = tuple(StageName)
FINISHED: Mapping[StageName, StageState] = MappingProxyType(fakes.STATES_WHEN_DONE)
AT_WORK: tuple[Told, ...] = (
    ("Launch teaser v3", fakes.ANA, VideoState.PROCESSING, TRANSCRIBING, EARLY, 2),
    ("Founder interview, the long cut", fakes.ANA, VideoState.ANALYZED, CLIPPING, LATE, 9),
    ("Shorts batch 12", fakes.BO, VideoState.UPLOADED, states(probe=READY), (), 11),
    ("Customer story: Nordlicht", fakes.ANA, VideoState.FAILED, BROKEN_FILE, (), 26),
    ("Webinar: retrieval in production", fakes.ANA, VideoState.REPURPOSED, FINISHED, ALL, 48),
    ("Q3 product demo", fakes.BO, VideoState.REPURPOSED, FINISHED, ALL, 95),
    ("Podcast, episode 41", fakes.ANA, VideoState.REPURPOSED, FINISHED, ALL, 170),
    ("Pricing explained in ninety seconds", fakes.ANA, VideoState.REPURPOSED, FINISHED, ALL, 320),
    ("Town hall, March", fakes.BO, VideoState.CANCELLED, STOPPED, EARLY, 60 * 22),
    (
        "Everything that we have learned about making videos of talks that nobody in the room wanted to end",
        fakes.ANA,
        VideoState.REPURPOSED,
        FINISHED,
        ALL,
        60 * 24 * 3,
    ),
    ("Onboarding, part 1", fakes.ANA, VideoState.REPURPOSED, FINISHED, ALL, 60 * 24 * 9),
    ("Onboarding, part 2", fakes.ANA, VideoState.REPURPOSED, FINISHED, ALL, 60 * 24 * 9 + 30),
)


def video_id(title: str) -> UUID:
    """The id of the video of this title, the same in each process."""
    return uuid5(NAMESPACE_URL, f"{title} 0")


def made_by_name(title: str) -> AbstractContextManager[object]:
    """Has what is made within it bear ids that follow from the title; the first is video_id()."""
    counted = count()
    return patch.object(fakes, "uuid4", lambda: uuid5(NAMESPACE_URL, f"{title} {next(counted)}"))


def empty() -> fakes.FakeServices:
    """Nobody has uploaded anything."""
    return signed_in()


def team(services: fakes.FakeServices) -> None:
    """People with sessions, tokens and limits of their own, and limits that are nearly used up."""
    names = ("dora", "emil", "farah", "gustav-the-second-of-the-name", "hana", "ivo", "jun", "kai")
    for number, name in enumerate(names, 10):
        role = list(Role)[number % 3]
        services.accounts.users[name] = User(id=number, name=name, role=role, must_change_password=number == 12)
    services.users.disabled[13] = fakes.NOW
    for user, address in ((fakes.ANA, "192.0.2.44"), (fakes.ANA, "2001:db8::7"), (fakes.BO, "198.51.100.9")):
        services.sessions.open(user, address=address, user_agent="")
    for user, name in (
        (fakes.ANA, "nightly export"),
        (fakes.ANA, "the newsroom's publishing script"),
        (fakes.BO, "phone"),
    ):
        services.tokens.create(user, name=name, days=90)
    until = fakes.NOW + timedelta(days=9)
    services.limits.set_override(fakes.ANA, fakes.BO.id, LimitName.JOBS, value=20, reason="launch week", until=until)
    view = services.limits.view
    services.limits.view = replace(
        view, uploads=replace(view.uploads, used=43, overridden_until=until, reason="launch week")
    )
    services.limits.use_up(LimitName.JOBS, free_in=timedelta(minutes=14))


def busy() -> fakes.FakeServices:
    """A team at work: videos in every state, of two people."""
    services = signed_in()
    team(services)
    made = all_outputs()
    for number, (title, owner, state, stages, there, minutes) in enumerate(AT_WORK):
        with made_by_name(title):
            video = fakes.a_video(
                title,
                owner=owner,
                state=state,
                outputs={name: made[name] for name in there},
                minutes_ago=minutes,
                job=lambda video_id, stages=stages: fakes.a_job(  # type: ignore[misc]
                    video_id, dict(stages), reasons={StageName.PROBE: REASON} if stages is BROKEN_FILE else None
                ),
            )
        video = replace(
            video, video=replace(video.video, duration=SECONDS if there else None, size=SAMPLE.stat().st_size)
        )
        if state is VideoState.UPLOADED:
            video = replace(video, jobs=tuple(replace(job, percent=0.0) for job in video.jobs))
        store(services, replace(video, may_act=True), picture=number)
    return services


class Away:
    """Any service while its store does not answer."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(*_: object, **__: object) -> None:
            raise Unavailable(NO_ANSWER)

        return refuse


def broken() -> fakes.FakeServices:
    """The house at work, and then its stores went away."""
    services = busy()
    for one in fields(services):
        if one.name not in STILL_THERE:
            setattr(services, one.name, Away())
    return services


SEEDS: Mapping[str, Callable[[], fakes.FakeServices]] = MappingProxyType(
    {"empty": empty, "busy": busy, "broken": broken}
)
