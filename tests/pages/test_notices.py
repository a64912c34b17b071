"""A pause is told where somebody uploads or waits, and nowhere else."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from services.errors import Unavailable
from services.model import QueueName, StageName, StageState, User, VideoState
from services.records.queues import Pause
from tests.pages.conftest import Run, components
from tests.web.fakes import ANA, NOW, FakeServices, a_job, a_video

UPLOAD, VIDEOS = "../pages/upload.py", "../pages/videos.py"
PAUSE = Pause(queue=QueueName.MEDIA, since=NOW, by="ana", reason="a **disk** is swapped")


def notices(page: AppTest) -> list[str]:
    return [notice.value.replace("\\", "") for notice in page.info]


def wait_for_a_video(services: FakeServices) -> None:
    waiting = dict.fromkeys(StageName, StageState.WAITING) | {StageName.PROBE: StageState.READY}
    detail = a_video(state=VideoState.UPLOADED, job=lambda video_id: a_job(video_id, waiting), outputs={})
    services.videos.details[detail.video.id] = detail


@pytest.mark.parametrize("file", [UPLOAD, VIDEOS])
def test_a_pause_is_told_with_its_reason(run: Run, services: FakeServices, file: str) -> None:
    wait_for_a_video(services)
    assert notices(run(ANA, file)) == []
    services.operations.paused.append(PAUSE)
    page = run(ANA, file)
    (notice,) = notices(page)
    assert notice.startswith("Reading videos and making clips is paused: a **disk** is swapped.")
    assert r"\*\*disk" in page.info[0].value  # read as written, not as Markdown


def test_nobody_who_waits_for_nothing_is_told(run: Run, services: FakeServices) -> None:
    detail = a_video()
    services.videos.details[detail.video.id] = detail
    services.operations.paused.append(PAUSE)
    assert notices(run(ANA, VIDEOS)) == []


def test_the_page_is_drawn_when_nobody_can_say(
    run: Run, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(user: User) -> tuple[Pause, ...]:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(services.operations, "pauses", down)
    page = run(ANA, UPLOAD)
    assert "drop_zone" in components(page)
    assert notices(page) == []
