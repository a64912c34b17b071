"""The Videos page: what its address asks for, what it draws, and what it does to many videos."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from services.bulk import Verb
from services.errors import LimitReached, Unavailable
from services.library import Sort
from services.model import StageName, User, VideoState
from services.videos import VideoDetail
from tests.pages.conftest import Run, components
from tests.pages.test_video_page import HOSTILE
from tests.web.fakes import ANA, BO, NEW, FakeServices, a_video, store

PAGE = "../pages/videos.py"


@pytest.fixture
def put(services: FakeServices, tmp_path: Path) -> Callable[[VideoDetail], VideoDetail]:
    content = tmp_path / "content"
    content.write_bytes(b"x")
    return lambda detail: store(services, detail, lambda role: content)


@pytest.fixture
def drawn(run: Run) -> Callable[..., dict[str, Any]]:
    """drawn(user, **query): what the page gives its components, under an address."""

    def drawing(user: User, **query: str) -> dict[str, Any]:
        page = run(user, PAGE)
        for name, value in query.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return components(page)

    return drawing


def test_pictures_states_and_counts(
    drawn: Callable[..., dict[str, Any]], put: Callable[[VideoDetail], VideoDetail]
) -> None:
    done = put(a_video("Harbour"))
    put(a_video("Broken", state=VideoState.FAILED, outputs={}, minutes_ago=9))
    shown = drawn(ANA)
    rows = shown["video_list"]["rows"]
    assert [row["title"] for row in rows] == ["Harbour", "Broken"]
    assert rows[0]["poster"] == f"/api/files/{done.video.thumbnail_id}"
    assert len(rows[0]["pictures"]) == 6
    assert (rows[0]["duration"], rows[0]["chip"], rows[0]["colour"]) == ("10:07", "Repurposed", "green")
    assert (rows[1]["poster"], rows[1]["duration"]) == (None, None)
    assert shown["video_list"]["amount"] == "2 videos"
    assert shown["video_list"]["newest"]
    counts = {state["id"]: state["count"] for state in shown["library_bar"]["states"]}
    assert counts == {state: {"repurposed": "1", "failed": "1"}.get(state, "0") for state in VideoState}


def test_the_address_asks_and_stays(
    services: FakeServices, drawn: Callable[..., dict[str, Any]], put: Callable[[VideoDetail], VideoDetail]
) -> None:
    put(a_video("Harbour"))
    put(a_video("Broken", state=VideoState.FAILED, outputs={}))
    shown = drawn(ANA, q="harb", state="failed,repurposed", sort="title", show="120")
    assert [row["title"] for row in shown["video_list"]["rows"]] == ["Harbour"]
    assert shown["video_list"]["rows"][0]["marks"] == [[0, 7]]
    assert shown["video_list"]["any"]
    assert not shown["video_list"]["newest"]
    assert shown["library_bar"]["asked"] == "q=harb&state=failed%2Crepurposed&sort=title&show=120"
    asked = services.library.asked[-1]
    assert (asked.text, asked.sort, asked.limit) == ("harb", Sort.TITLE, 120)
    assert asked.states == (VideoState.FAILED, VideoState.REPURPOSED)


def test_what_was_said_is_shown_with_its_second(
    drawn: Callable[..., dict[str, Any]], put: Callable[[VideoDetail], VideoDetail]
) -> None:
    detail = put(a_video("Harbour"))
    transcript = detail.outputs[StageName.TRANSCRIBE]
    segment = transcript.segments[1]  # type: ignore[union-attr]
    matches = drawn(ANA, q="measure")["video_list"]["rows"][0]["matches"]
    line = matches["lines"][0]
    assert (line["at"], line["text"]) == (segment.start, segment.text)
    assert [segment.text[start:end] for start, end in line["marks"]] == ["measure"]
    said = sum(each.text == segment.text for each in transcript.segments)  # type: ignore[union-attr]
    assert matches["more"] == max(0, said - 3)


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_is_only_data(run: Run, put: Callable[[VideoDetail], VideoDetail], title: str) -> None:
    put(a_video(title))
    page = run(ANA, PAGE)
    page.query_params["q"] = title
    page.run()
    assert not page.exception
    assert title not in str(
        [element.value for kind in ("markdown", "caption", "info", "title") for element in page.get(kind)]
    )
    page.query_params["q"] = ""
    page.run()
    assert components(page)["video_list"]["rows"][0]["title"] == title


def test_nobody_has_anything_yet(drawn: Callable[..., dict[str, Any]]) -> None:
    shown = drawn(BO)
    assert "library_bar" not in shown
    assert (shown["video_list"]["any"], shown["video_list"]["may_upload"]) == (False, True)
    shown = drawn(BO, q="zebra")
    assert shown["video_list"]["any"]
    assert "library_bar" in shown


def test_a_creator_sees_no_owners_and_not_the_videos_of_others(
    drawn: Callable[..., dict[str, Any]], put: Callable[[VideoDetail], VideoDetail]
) -> None:
    put(a_video("Hers", owner=ANA))
    put(a_video("His", owner=BO))
    shown = drawn(BO)["video_list"]
    assert [row["title"] for row in shown["rows"]] == ["His"]
    assert not shown["show_owner"]
    assert drawn(ANA)["video_list"]["show_owner"]


def ordered(page: AppTest, name: str, **order: object) -> dict[str, Any]:
    """What the list is given in the run after somebody gave an order."""
    page.session_state["videos_order"] = (name, json.dumps({"stamp": "s", "kind": None, **order}))
    page.run()
    assert not page.exception
    shown: dict[str, Any] = components(page)["video_list"]
    return shown


def test_an_order_is_planned_and_then_done(
    run: Run, services: FakeServices, put: Callable[[VideoDetail], VideoDetail]
) -> None:
    ids = [str(put(a_video(f"Number {number}")).video.id) for number in range(3)]
    page = run(ANA, PAGE)
    shown = ordered(page, "considered", verb="retry", ids=ids)
    assert shown["plan"] == {
        "stamp": "s",
        "count": 1,
        "skipped": [["Nothing failed: there is nothing to try again.", 2]],
    }
    assert services.bulk.done == []
    shown = ordered(page, "confirmed", verb="retry", ids=ids)
    assert shown["outcome"] == {"stamp": "s", "done": 3, "skipped": []}
    assert [order.verb for order in services.bulk.done] == [Verb.RETRY]
    page.run()
    assert components(page)["video_list"]["outcome"] is None
    assert len(services.bulk.done) == 1


def test_without_the_database_there_is_advice_and_a_way_to_go_on(
    run: Run, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*given: object) -> None:
        raise Unavailable("The database does not answer. Try again in a moment.")

    with monkeypatch.context() as patched:
        patched.setattr(services.library, "search", away)
        page = run(ANA, PAGE)
        assert page.error[0].value.startswith("The database does not answer")
    page.button(key="videos_again").click().run()
    assert not page.error


def test_a_search_over_the_limit_keeps_the_box_and_the_list(
    run: Run,
    services: FakeServices,
    put: Callable[[VideoDetail], VideoDetail],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def over(*given: object) -> None:
        raise LimitReached("You have done 100 things within a minute. Go on in 12 s.", retry_after=12)

    video = put(a_video("Harbour"))
    page = run(ANA, PAGE)
    monkeypatch.setattr(services.library, "search", over)
    page.query_params["q"] = "har"
    page.run()
    assert "Go on in 12 s" in page.warning[0].value.replace("\\", "")
    shown = components(page)
    assert [row["id"] for row in shown["video_list"]["rows"]] == [str(video.video.id)]
    assert shown["library_bar"]["asked"] == "q=har"


def test_a_refused_order_is_answered_where_it_was_given(
    run: Run,
    services: FakeServices,
    put: Callable[[VideoDetail], VideoDetail],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def over(*given: object) -> None:
        raise LimitReached("You have done 100 things within a minute. Go on in 12 s.", retry_after=12)

    ids = [str(put(a_video("Harbour")).video.id)]
    page = run(ANA, PAGE)
    monkeypatch.setattr(services.bulk, "run", over)
    shown = ordered(page, "confirmed", verb="retry", ids=ids)
    assert shown["refused"] == {"stamp": "s", "problem": "You have done 100 things within a minute. Go on in 12 s."}
    assert shown["outcome"] is None


def test_whoever_must_choose_a_password_sees_no_videos(run: Run, put: Callable[[VideoDetail], VideoDetail]) -> None:
    put(a_video("Harbour", owner=NEW))
    assert "video_list" not in components(run(NEW))
