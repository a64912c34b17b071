"""Thumbnails, clips and posts on the Video page: as they stand, with what people changed and what is under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services import cuts
from services.model import JobKind, LimitName, StageName, StageState
from services.outputs import ClipsOutput, ProbeOutput
from services.records.edits import EditRow
from services.videos import JobView, VideoDetail
from tests.pages.conftest import Run, components
from tests.web.fakes import ANA, BO, NOW, FakeServices, a_job, a_video, store
from tests.web.made import all_outputs

PAGE = "../pages/video.py"
ASKED = {"position": 1, "start": 8.0, "end": 12.0, "title": "Shorter"}


@pytest.fixture
def drawn(run: Run, services: FakeServices, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """drawn(video, user=ANA): the data of each component on the page of this video."""
    content = tmp_path / "content"
    content.write_bytes(b"x")

    def draw(detail: VideoDetail, user: Any = ANA) -> dict[str, Any]:
        store(services, detail, lambda role: content)
        return components(run(user, PAGE, id=str(detail.video.id)))

    return draw


def with_edit(detail: VideoDetail, target: str, value: object) -> VideoDetail:
    edit = EditRow(stage_id=1, target=target, value=value, editor="bo", at=NOW)
    return replace(detail, edits={target: value}, edited={target: edit})


def with_job(detail: VideoDetail, state: StageState, **changes: Any) -> VideoDetail:
    """A newer job that was asked for a new cut, with its one stage in this state."""
    job = a_job(detail.video.id, {StageName.CLIPS: state}, reasons={StageName.CLIPS: "The disk is full."})
    asked: JobView = replace(job, kind=JobKind.CLIPS, options={"cuts": [ASKED]}, **changes)
    return replace(detail, jobs=(asked, *detail.jobs))


Drawn = Callable[..., dict[str, Any]]


def test_clips_say_what_cutting_them_takes(drawn: Drawn) -> None:
    detail = a_video()
    shown = drawn(detail)["clips"]
    assert shown["limits"] == {
        "shortest": 3.0,
        "longest": 60.0,
        "lead_in": cuts.LEAD_IN,
        "lead_out": cuts.LEAD_OUT,
        "longest_title": 100,
        "most": 12,
        "duration": 607.2,
        "scene_cuts": [4.0, 9.0],
    }
    assert shown["cost"] == "This uses one of the 8 AI jobs that you have left this hour."
    assert shown["known"] == f"{detail.job.id}:succeeded"
    assert (shown["rendering"], shown["failed"], shown["may_act"]) == (None, None, True)
    assert shown["clips"][0]["files"]["portrait"]["poster"] == drawn(detail)["gallery"]["pictures"][1]["source"]


def test_a_clip_stands_behind_its_own_picture_where_there_is_one(drawn: Drawn) -> None:
    detail = a_video()
    poster = replace(detail.files[1], id=detail.video.id, role="clip_portrait_poster", position=1)
    shown = drawn(replace(detail, files=(*detail.files, poster)))["clips"]
    assert shown["clips"][1]["files"]["portrait"]["poster"] == f"/api/files/{poster.id}"
    assert shown["clips"][0]["files"]["portrait"]["poster"] != f"/api/files/{poster.id}"


def test_without_jobs_left_the_time_is_said(drawn: Drawn, services: FakeServices) -> None:
    services.limits.use_up(LimitName.JOBS)
    assert "none is left this hour, so it starts" in drawn(a_video())["clips"]["cost"]


def test_a_new_cut_under_way_is_on_its_card(drawn: Drawn) -> None:
    shown = drawn(with_job(a_video(), StageState.RUNNING))["clips"]
    assert shown["rendering"]["cuts"] == [ASKED]
    assert shown["rendering"]["percent"] == 27.0
    assert shown["failed"] is None


def test_a_new_cut_that_waits_for_the_hour_says_when_it_starts(drawn: Drawn) -> None:
    later = NOW + timedelta(minutes=30)
    detail = with_job(a_video(), StageState.READY, starts_at=later, message="Queued for later.")
    assert drawn(detail)["clips"]["rendering"]["message"].startswith("Queued for later. It starts ")


def test_a_new_cut_that_failed_is_told_beside_the_clips(drawn: Drawn) -> None:
    shown = drawn(with_job(a_video(), StageState.FAILED, message="The disk is full."))["clips"]
    assert shown["failed"]["message"] == "The disk is full."
    assert shown["failed"]["cuts"] == [ASKED]
    assert len(shown["clips"]) == 3
    assert drawn(with_job(a_video(), StageState.SUCCEEDED))["clips"]["failed"] is None


def test_a_clip_that_was_taken_out_can_come_back(drawn: Drawn) -> None:
    shown = drawn(with_edit(a_video(), "clip:1", "hidden"))["clips"]
    assert [clip["hidden"] for clip in shown["clips"]] == [False, True, False]


def test_where_no_clip_was_found_one_can_be_cut(drawn: Drawn) -> None:
    made = all_outputs() | {StageName.CLIPS: ClipsOutput(clips=())}
    assert drawn(a_video(outputs=made))["clips"]["clips"] == []
    probed = made[StageName.PROBE]
    assert isinstance(probed, ProbeOutput)
    sound_only = made | {StageName.PROBE: probed.model_copy(update={"has_picture": False})}
    assert "clips" not in drawn(a_video(outputs=sound_only))
    assert "clips" not in drawn(a_video(outputs=made, owner=BO), BO)


def test_posts_stand_as_they_were_edited_beside_their_original(drawn: Drawn) -> None:
    shown = drawn(with_edit(a_video(), "post:x_thread", ["one", "two"]))["posts"]
    linkedin, thread = shown["posts"][:2]
    assert (thread["parts"], len(thread["original"]), thread["thread"]) == (["one", "two"], 3, True)
    assert thread["edited"].startswith("bo, ")
    assert (linkedin["parts"], linkedin["edited"], linkedin["limit"]) == (linkedin["original"], "", 3000)
    assert [post["ending"] for post in shown["posts"]] == ["txt", "txt", "md", "md", "md"]
    assert shown["titles"]
    assert shown["hashtags"] == ["#startups", "#video"]


def test_the_thumbnail_that_was_chosen_is_the_poster(drawn: Drawn) -> None:
    before = drawn(a_video())
    assert before["gallery"]["chosen"] is None
    assert before["player"]["poster"] == before["gallery"]["pictures"][0]["source"]
    after = drawn(with_edit(a_video(), "thumbnail", 4))
    assert after["gallery"]["chosen"] == 4
    (chosen,) = (one for one in after["gallery"]["pictures"] if one["position"] == 4)
    assert after["player"]["poster"] == chosen["source"]
    assert after["gallery"]["pictures"][0]["picked"], "choosing moves nothing"


def test_who_only_looks_changes_nothing(drawn: Drawn) -> None:
    shown = drawn(a_video(owner=BO), BO)
    assert [shown[name]["may_act"] for name in ("gallery", "clips", "posts")] == [False, False, False]
