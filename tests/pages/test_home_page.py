"""Home: empty, busy, with what needs somebody, and for who only looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest

from console.components import home
from services.errors import Unavailable
from services.home import RUNNING_SHOWN, Unfinished
from services.model import LimitName, QueueName, Role, StageName, StageState, User, VideoState
from services.records.queues import Pause
from services.videos import VideoDetail
from tests.pages.conftest import Run, components
from tests.web.fakes import ANA, BO, NOW, FakeServices, a_job, a_video

LOOKER = User(id=4, name="di", role=Role.ANALYST, must_change_password=False)


def put(services: FakeServices, title: str, owner: User, **states: StageState) -> VideoDetail:
    stages = dict.fromkeys(StageName, StageState.WAITING) | {StageName(name): state for name, state in states.items()}
    if not states:
        stages = dict.fromkeys(StageName, StageState.SUCCEEDED)
    detail = a_video(
        title,
        owner=owner,
        state=VideoState.PROCESSING,
        job=lambda video_id: a_job(video_id, stages, reasons={StageName.PROBE: "The file has no sound."}),
    )
    services.videos.details[detail.video.id] = detail
    return detail


def shown(page: AppTest) -> dict[str, Any]:
    return dict(components(page)["home"])


def test_somebody_new_is_led(run: Run, services: FakeServices) -> None:
    put(services, "Of somebody else", ANA)
    page = run(BO)
    assert page.title[0].value == "Home"
    data = shown(page)
    assert data["empty"]
    assert data["uploads_allowed"]
    assert not data["running"] + data["failed"] + data["finished"] + data["uploads"]
    assert "Of somebody else" not in str(components(page))


def test_each_thing_is_in_its_section(run: Run, services: FakeServices) -> None:
    done = put(services, "Done", BO)
    running = put(services, "Running", BO, probe=StageState.SUCCEEDED, transcribe=StageState.RUNNING)
    broken = put(services, "Broken", BO, probe=StageState.FAILED)
    services.notifications.add(BO, done)
    services.home.uploads.append(Unfinished(id=uuid4(), file_name="talk.mp4", size=1000, offset=629, touched_at=NOW))
    services.home.waiting, services.home.waits_until = 2, NOW + timedelta(minutes=30)
    data = shown(run(BO))
    assert not data["empty"]
    (card,) = data["running"]
    assert (card["id"], card["title"], card["percent"]) == (str(running.video.id), "Running", 27.0)
    assert card["message"] == "Transcribing: 4:30 of 10:00"
    (card,) = data["failed"]
    assert (card["id"], card["reason"]) == (str(broken.video.id), "The file has no sound.")
    (card,) = data["finished"]
    assert (card["made"], card["is_new"], card["owner"]) == ("3 clips · 5 posts", True, "")
    assert card["picture"].startswith("/api/files/")
    assert [(one["name"], one["percent"]) for one in data["uploads"]] == [("talk.mp4", 62)]
    assert data["waiting"]["title"] == "2 jobs wait for the hourly limit"
    assert data["states"][str(running.job.id)] == "running"
    assert [data["limits"][name]["left"] for name in ("jobs", "uploads", "requests")] == [8, 47, 97]


def test_a_limit_that_is_used_up_says_when_it_frees(run: Run, services: FakeServices) -> None:
    put(services, "Done", BO)
    services.limits.use_up(LimitName.JOBS)
    limits = shown(run(BO))["limits"]
    free_at = services.limits.view.jobs.free_at
    assert free_at is not None
    assert (limits["jobs"]["left"], limits["jobs"]["free_at"]) == (0, free_at.isoformat())
    assert (limits["uploads"]["left"], limits["uploads"]["free_at"]) == (47, None)


def test_everybodys_work_is_shown_with_its_owner(run: Run, services: FakeServices) -> None:
    put(services, "Of bo", BO, probe=StageState.FAILED)
    data = shown(run(ANA))
    assert data["everybody"]
    assert data["failed"][0]["owner"] == "bo"
    assert data["failed"][0]["may_retry"]


def test_who_only_looks_does_nothing(run: Run, services: FakeServices) -> None:
    put(services, "Of bo", BO, probe=StageState.FAILED)
    page = run(LOOKER)
    data = shown(page)
    assert data["failed"][0]["may_retry"] is False
    assert data["uploads_allowed"] is False
    assert data["limits"] is None
    keys = [one["address"] for one in components(page)["shortcuts"]["pages"]]
    assert keys == ["home", "videos", "account"]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """ask(what, value): what the component says in the next run; the harness runs no scripts."""
    given: dict[str, str] = {}
    monkeypatch.setattr(home, "_home", lambda **called: Answers(given))
    return lambda what, value: given.update({what: value})


class Answers:
    """Each trigger speaks once."""

    def __init__(self, given: dict[str, str]) -> None:
        self._given = given

    def __getattr__(self, name: str) -> str | None:
        return self._given.pop(name, None)


def test_a_failure_is_tried_again(run: Run, services: FakeServices, ask: Any) -> None:
    broken = put(services, "Broken", BO, probe=StageState.FAILED)
    ask("retried", str(broken.job.id))
    run(BO)
    assert services.operations.retried == [broken.job.id]


def test_all_of_a_sort_are_listed_by_their_state(run: Run, services: FakeServices) -> None:
    for number in range(home.FAILED_SHOWN + 1):
        put(services, f"Broken {number}", BO, probe=StageState.FAILED)
    for number in range(RUNNING_SHOWN + 2):
        put(services, f"Running {number}", BO, probe=StageState.RUNNING)
    data = shown(run(BO))
    assert data["failed_more"] == {"count": "4", "address": "/videos?state=failed"}
    assert data["running_more"] == {"count": "8", "address": "/videos?state=uploaded,processing"}


def test_a_page_is_gone_to_with_what_is_asked_of_it(run: Run, ask: Any) -> None:
    ask("gone", "videos?state=uploaded,processing&nothing=x")
    page = run(BO)
    assert dict(page.query_params) == {"state": "uploaded,processing"}
    assert page.title[0].value == "Videos"


def test_the_sample_is_processed_and_opened(run: Run, services: FakeServices, ask: Any) -> None:
    sample = put(services, "Sample", BO)
    services.samples.video_id = sample.video.id
    ask("sample", "sample")
    page = run(BO)
    assert services.samples.asked == [BO.id]
    assert page.query_params["id"] == str(sample.video.id)


def test_a_refusal_is_told(run: Run, services: FakeServices, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(user: User) -> None:
        raise Unavailable("The disk of the server is nearly full.")

    monkeypatch.setattr(services.samples, "process", refuse)
    ask("sample", "sample")
    page = run(BO)
    assert "nearly full" in page.error[0].value


def test_a_pause_is_told_while_something_waits(run: Run, services: FakeServices) -> None:
    services.operations.paused.append(Pause(queue=QueueName.MEDIA, since=NOW, by="ana", reason="a disk is swapped"))
    assert not run(BO).info
    put(services, "Running", BO, probe=StageState.RUNNING)
    assert "a disk is swapped" in run(BO).info[0].value


def test_without_the_database_there_is_advice(
    run: Run, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(user: User) -> None:
        raise Unavailable("The database does not answer. Try again in a moment.")

    monkeypatch.setattr(services.home, "of", down)
    page = run(BO)
    assert "does not answer" in page.error[0].value
    assert page.button(key="home_again")
