"""A real server of the pages on services without stores: `python -m tests.web.fake_server PORT [SEED]`.

SEED is one of seeds.SEEDS; without one there is a video of each kind that the tests look for.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from streamlit.web.cli import main

from console import wiring
from services.model import StageName, StageState, VideoState
from services.outputs import Output
from tests.web import fakes
from tests.web.made import all_outputs
from tests.web.seeds import EXPIRED, ONE_TIME, SEEDS, VALID, signed_in, states, store

__all__ = ["EXPIRED", "ONE_TIME", "VALID"]

HOSTILE = (
    "<img src=x onerror=alert(1)> **bold** [x](javascript:alert(1)) :material/home: $x^2$ :red[red] "
    "https://elsewhere.example www.elsewhere.example a@elsewhere.example"
)
SECRET_TITLE = "Only for people who signed in"


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
    services = signed_in()
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
                states(probe=StageState.SUCCEEDED, thumbnails=StageState.SUCCEEDED, transcribe=StageState.RUNNING),
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
        store(services, video)
    return services


if __name__ == "__main__":
    # Nothing is kept there but compressed static files, which the next server uses too.
    os.environ.setdefault("BACKLOT_HOME", str(Path(tempfile.gettempdir()) / "backlot-pages"))
    seed = SEEDS[sys.argv[2]]() if len(sys.argv) > 2 else seeded()
    wiring.services = lambda: seed  # type: ignore[assignment,return-value]
    wiring.settings = lambda: seed.settings  # type: ignore[assignment]
    sys.argv = ["streamlit", "run", "console/server.py", "--server.port", sys.argv[1]]
    main()
