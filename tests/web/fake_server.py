"""A real server of the pages on services without stores: `python -m tests.web.fake_server PORT`."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from streamlit.web.cli import main

from console import wiring
from services.model import Session, StageName, StageState, VideoState
from services.outputs import Output
from tests.web import fakes
from tests.web.made import all_outputs

ROOT = Path(__file__).parents[2]
VALID, EXPIRED, ONE_TIME = "valid-token", "expired-token", "one-time-token"
HOSTILE = (
    "<img src=x onerror=alert(1)> **bold** [x](javascript:alert(1)) :material/home: $x^2$ :red[red] "
    "https://elsewhere.example www.elsewhere.example a@elsewhere.example"
)
SECRET_TITLE = "Only for people who signed in"


def job_of(**states: StageState) -> dict[StageName, StageState]:
    return {name: states.get(name.value, StageState.WAITING) for name in StageName}


def hostile(output: Output) -> Output:
    """The output with every text in it replaced."""

    def replaced(value: object) -> object:
        if isinstance(value, dict):
            return {name: replaced(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [replaced(part) for part in value]
        return HOSTILE if isinstance(value, str) else value

    return type(output).model_validate(replaced(output.model_dump()))


def seeded() -> fakes.FakeServices:
    """Three sessions, and a video in each state that the pages draw differently."""
    services = fakes.FakeServices()
    for token, user, hours in ((VALID, fakes.ANA, 12), (EXPIRED, fakes.ANA, -1), (ONE_TIME, fakes.NEW, 12)):
        services.sessions.live[token] = Session(
            id=fakes.uuid4(), user=user, expires_at=fakes.NOW + timedelta(hours=hours)
        )
    sample = ROOT / "sample" / "sample.mp4"
    made = all_outputs()
    videos = (
        fakes.a_video(SECRET_TITLE),
        fakes.a_video(
            HOSTILE,
            minutes_ago=30,
            outputs={name: hostile(output) for name, output in made.items() if name is not StageName.POSTS},
            job=lambda video_id: fakes.a_job(
                video_id,
                dict.fromkeys(StageName, StageState.SUCCEEDED) | {StageName.POSTS: StageState.SKIPPED},
                reasons={StageName.POSTS: HOSTILE},
            ),
        ),
        fakes.a_video(
            "Launch teaser",
            state=VideoState.PROCESSING,
            outputs={name: made[name] for name in (StageName.PROBE, StageName.THUMBNAILS)},
            job=lambda video_id: fakes.a_job(
                video_id,
                job_of(probe=StageState.SUCCEEDED, thumbnails=StageState.SUCCEEDED, transcribe=StageState.RUNNING),
            ),
        ),
        fakes.a_video(
            "Broken export",
            state=VideoState.FAILED,
            outputs={},
            job=lambda video_id: fakes.a_job(
                video_id,
                dict.fromkeys(StageName, StageState.CANCELLED) | {StageName.PROBE: StageState.FAILED},
                reasons={StageName.PROBE: "The file ends before its index. Export it again."},
            ),
        ),
    )
    for video in videos:
        fakes.store(services, video, lambda role: sample)
    return services


if __name__ == "__main__":
    seed = seeded()
    wiring.services = lambda: seed  # type: ignore[assignment,return-value]
    wiring.settings = lambda: seed.settings  # type: ignore[assignment]
    sys.argv = ["streamlit", "run", "console/server.py", "--server.port", sys.argv[1]]
    main()
