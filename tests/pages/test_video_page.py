"""The Video page in each state, and with names that try to be more than text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from console import video_parts
from console.messages import plain
from console.video_parts import FILLED_BY, moved_on
from services.model import StageName, StageState, VideoState
from services.outputs import Post, PostsOutput
from services.videos import VideoDetail
from tests.pages.conftest import Run, components
from tests.web.fakes import ANA, BO, FakeServices, a_job, a_video, store
from tests.web.made import all_outputs

PAGE = "../pages/video.py"
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "[x](javascript:alert(1)) ![y](https://elsewhere.example/z.png)",
    ":material/home: :red[red] $x^2$ # heading",
    "=HYPERLINK(1)\u202egpj.exe\x00",
)


@pytest.fixture
def put(services: FakeServices, tmp_path: Path) -> Callable[[VideoDetail], VideoDetail]:
    content = tmp_path / "content"
    content.write_bytes(b"x")
    return lambda detail: store(services, detail, lambda role: content)


def test_a_finished_video_shows_all_that_was_made(run: Run, put: Callable[[VideoDetail], VideoDetail]) -> None:
    detail = put(a_video())
    page = run(ANA, PAGE, id=str(detail.video.id))
    shown = components(page)
    source = detail.file("source")
    assert source is not None
    assert shown["player"]["source"] == f"/api/files/{source.id}"
    assert "/transcript.vtt?of=" in shown["player"]["captions"]
    assert [chapter["title"] for chapter in shown["player"]["chapters"]] == [
        "How it began",
        "The first customer",
        "What to remember",
    ]
    assert len(shown["player"]["pictures"]) == 6
    assert "/transcript.json?of=" in shown["transcript"]["source"]
    assert shown["transcript"]["may_act"]
    assert len(shown["analysis"]["summary"]) == 3
    assert len(shown["gallery"]["pictures"]) == 6
    assert shown["gallery"]["pictures"][0]["picked"]
    assert [list(clip["files"]) for clip in shown["clips"]["clips"]] == [["portrait", "landscape"]] * 3
    sources = {film["source"] for clip in shown["clips"]["clips"] for film in clip["files"].values()}
    assert sources == {f"/api/files/{file.id}" for file in detail.files if file.role.startswith("clip_")}
    assert [factor["name"] for factor in shown["clips"]["clips"][0]["factors"]] == ["Hook", "Self-contained", "Pace"]
    assert [post["name"] for post in shown["posts"]["posts"]][:2] == ["LinkedIn", "X thread"]
    assert "extractive" in shown["posts"]["method"]
    assert not page.button
    assert shown["stepper"]["job_state"] == "succeeded", "it waits for the next job"
    assert "(UTC)" in shown["heading"]["facts"][1]
    links = {link["name"]: link["address"] for group in shown["details"]["downloads"] for link in group["links"]}
    assert set(links) == {"Everything", "with the source", "SRT", "VTT", "TXT", "JSON", "Uploaded file"}
    assert links["Everything"] == f"/api/videos/{detail.video.id}/archive.zip"


def test_how_it_was_made_names_engine_prompt_and_exact_cost(
    run: Run, put: Callable[[VideoDetail], VideoDetail]
) -> None:
    made = components(run(ANA, PAGE, id=str(put(a_video()).video.id)))["lineage"]
    transcripts = [output for output in made["outputs"] if output["stage"] == "Transcribe"]
    assert [output["cost"] for output in transcripts] == ["$0.0006", "free"]
    assert [output["superseded"] for output in transcripts] == [False, True]
    assert transcripts[0]["uses"] == [
        {"engine": "local", "model": "whisper tiny.en", "prompt": "3", "amount": "25 audio seconds"}
    ]
    assert made["cost"] == "$0.0006"
    assert [edit["text"] for edit in made["edits"]] == ["ana changed line 3 of the transcript"]


@pytest.mark.parametrize(
    ("lacking", "offered"),
    [
        ({}, ["Transcript", "Analysis", "Thumbnails", "Clips", "Posts"]),
        ({"has_sound": False}, ["Thumbnails"]),
        ({"has_picture": False}, ["Transcript", "Analysis", "Posts"]),
    ],
)
def test_only_what_makes_sense_is_made_again(
    run: Run, put: Callable[[VideoDetail], VideoDetail], lacking: dict[str, bool], offered: list[str]
) -> None:
    made = all_outputs()
    probed = made[StageName.PROBE].model_copy(update=lacking)
    detail = put(a_video(outputs=made | {StageName.PROBE: probed}))
    page = run(ANA, PAGE, id=str(detail.video.id))
    (menu,) = page.get("menu_button")
    assert list(menu.proto.options) == [f"{name} (1 AI job)" for name in offered]


def test_a_changed_title_and_tags_are_the_browsers_to_save(run: Run, put: Callable[[VideoDetail], VideoDetail]) -> None:
    shown = components(run(ANA, PAGE, id=str(put(a_video()).video.id)))["heading"]
    assert shown["may_act"]
    assert shown["tags"] == []


def test_a_running_video_shows_progress_and_can_be_cancelled(
    run: Run, services: FakeServices, put: Callable[[VideoDetail], VideoDetail]
) -> None:
    states = dict.fromkeys(StageName, StageState.WAITING) | {
        StageName.PROBE: StageState.SUCCEEDED,
        StageName.TRANSCRIBE: StageState.RUNNING,
    }
    detail = put(a_video(state=VideoState.PROCESSING, outputs={}, job=lambda video_id: a_job(video_id, states)))
    page = run(ANA, PAGE, id=str(detail.video.id))
    shown = components(page)["stepper"]
    assert shown["percent"] == 27.0
    assert shown["message"] == "Transcribing: 4:30 of 10:00"
    assert [stage["state"] for stage in shown["stages"]][:2] == ["succeeded", "running"]
    assert len(shown["stages"]) == 6
    assert "Not made yet" in page.caption[0].value
    assert not page.get("menu_button")
    page.button(key="video_cancel").click().run()
    assert services.operations.cancelled == [detail.job.id]


def test_parts_are_drawn_again_when_what_they_show_has_moved_on() -> None:
    coming = dict.fromkeys(StageName, StageState.WAITING)
    before = a_video(state=VideoState.PROCESSING, outputs={}, job=lambda video_id: a_job(video_id, coming))

    def after(name: StageName, state: StageState) -> VideoDetail:
        stages = tuple(replace(stage, state=state) if stage.name is name else stage for stage in before.job.stages)
        return replace(before, jobs=(replace(before.job, stages=stages),))

    assert moved_on(before, before) == ["video_work"]
    assert moved_on(before, after(StageName.POSTS, StageState.RUNNING)) == ["video_work"]
    posts = moved_on(before, after(StageName.POSTS, StageState.SUCCEEDED))
    assert posts == ["video_work", "video_posts", "video_lineage"]
    assert moved_on(before, after(StageName.ANALYZE, StageState.SKIPPED)) == [
        "video_work",
        "video_player",
        "video_analysis",
        "video_lineage",
    ]
    analyzed = replace(before, video=replace(before.video, state=VideoState.ANALYZED))
    assert moved_on(before, analyzed) == ["video_work", "video_heading"]
    again = replace(before, jobs=(a_job(before.video.id, {StageName.CLIPS: StageState.READY}), *before.jobs))
    assert moved_on(again, before) == moved_on(before, again) == ["video_work", "video_clips", "video_lineage"]
    assert all(callable(getattr(video_parts, part)) for part in FILLED_BY)


def test_a_failure_is_advice_and_can_be_tried_again(
    run: Run, services: FakeServices, put: Callable[[VideoDetail], VideoDetail]
) -> None:
    states = dict.fromkeys(StageName, StageState.CANCELLED) | {StageName.PROBE: StageState.FAILED}
    reasons = {StageName.PROBE: "The file ends before its index. Export it again."}
    detail = put(
        a_video(state=VideoState.FAILED, outputs={}, job=lambda video_id: a_job(video_id, states, reasons=reasons))
    )
    page = run(ANA, PAGE, id=str(detail.video.id))
    assert components(page)["stepper"]["stages"][0]["reason"] == reasons[StageName.PROBE]
    page.button(key="video_retry").click().run()
    assert services.operations.retried == [detail.job.id]


def test_what_was_skipped_says_why(run: Run, put: Callable[[VideoDetail], VideoDetail]) -> None:
    states = dict.fromkeys(StageName, StageState.SUCCEEDED) | {StageName.CLIPS: StageState.SKIPPED}
    made = {name: output for name, output in all_outputs().items() if name is not StageName.CLIPS}
    detail = put(
        a_video(outputs=made, job=lambda video_id: a_job(video_id, states, reasons={StageName.CLIPS: "No picture"}))
    )
    page = run(ANA, PAGE, id=str(detail.video.id))
    assert page.info[0].value == "Skipped: No picture"


def test_who_may_only_look_gets_no_buttons(run: Run, put: Callable[[VideoDetail], VideoDetail]) -> None:
    states = dict.fromkeys(StageName, StageState.FAILED)
    detail = put(a_video(owner=BO, outputs={}, job=lambda video_id: a_job(video_id, states)))
    assert not detail.may_act
    assert not run(BO, PAGE, id=str(detail.video.id)).button


@pytest.mark.parametrize("given", ["", "x", "../../etc/passwd", "00000000-0000-0000-0000-000000000000"])
def test_an_address_without_a_video_leads_back(run: Run, given: str) -> None:
    page = run(ANA, PAGE, id=given)
    assert page.info or page.warning
    assert page.button(key="video_all")


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_is_only_data(run: Run, put: Callable[[VideoDetail], VideoDetail], title: str) -> None:
    posts = PostsOutput(
        posts=(Post(network=title, parts=(title,)),), titles=(title,), hashtags=(), engine="e", method=title
    )
    detail = put(a_video(title, outputs=all_outputs() | {StageName.POSTS: posts}))
    page = run(ANA, PAGE, id=str(detail.video.id))
    assert components(page)["heading"]["title"] == title
    assert components(page)["posts"]["posts"][0]["parts"] == [title]
    drawn = [
        element.value for kind in ("markdown", "caption", "info", "warning", "title") for element in page.get(kind)
    ]
    assert not any(title in str(value) for value in drawn)
    assert components(run(ANA))["home"]["finished"][0]["title"] == title


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_leaves_no_active_mark(text: str) -> None:
    escaped = plain(text)
    for mark in "<>[]()*_`$#":
        assert escaped.count(mark) == escaped.count(f"\\{mark}")
