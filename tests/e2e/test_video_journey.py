"""The page of a video by mouse and by keyboard: player, transcript, corrections, archive."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, WebSocket, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.footage import tiny
from console.look import STAGE_NAMES
from services.model import JobKind, QueueName, Role
from tests.e2e.conftest import Processed, RunningStack, settled

pytestmark = [pytest.mark.browser, pytest.mark.speech]

READY = "video => video.readyState || new Promise(done => video.addEventListener('loadedmetadata', done))"


@pytest.fixture
def sent(page: Page) -> list[str]:
    """Grows with each message of the browser to Streamlit: every one is a run of the script."""
    frames: list[str] = []

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: frames.append("sent"))

    page.on("websocket", watch)
    return frames


@pytest.fixture
def said(
    page: Page, context: BrowserContext, stack: RunningStack, processed: Processed
) -> Callable[..., list[dict[str, Any]]]:
    """said(more): opens the sample with more in its address; answers the lines of its transcript."""
    stack.sign_in(context, processed.user)

    def opening(more: str = "") -> list[dict[str, Any]]:
        page.goto(f"{stack.address}/video?id={processed.video_id}{more}")
        expect(page.locator("li[data-line]").first).to_be_visible(timeout=30_000)
        settled(page)
        video(page).evaluate(READY)
        video(page).evaluate("video => { video.muted = true; }")
        lines: list[dict[str, Any]] = page.request.get(spoken(stack, processed, "json")).json()["segments"]
        return lines

    return opening


def video(page: Page) -> Locator:
    return page.locator("section[aria-label=Player] video")


def spoken(stack: RunningStack, processed: Processed, form: str) -> str:
    return f"{stack.address}/api/videos/{processed.video_id}/transcript.{form}"


def at(page: Page) -> float:
    seconds: float = video(page).evaluate("video => video.currentTime")
    return seconds


def line_of(page: Page, number: int) -> Locator:
    return page.locator(f"li[data-line='{number}']")


def test_the_transcript_follows_the_sound_and_moves_it(
    page: Page, said: Callable[..., list[dict[str, Any]]], sent: list[str]
) -> None:
    lines = said()
    sent.clear()
    words = [word for line in lines for word in line["words"]]
    page.get_by_role("button", name="Play (Space)").click()
    for _ in range(4):
        page.wait_for_timeout(400)
        # In one look: the word that is marked, and where the sound is.
        shown, seconds = page.evaluate(
            """() => {
                const find = (selector) => [...document.querySelectorAll('*')].map((host) =>
                    host.shadowRoot?.querySelector(selector)).find(Boolean);
                return [find('.spoken')?.textContent, find('section[aria-label=Player] video').currentTime];
            }"""
        )
        expected = [word["text"].strip() for word in words if word["start"] - 0.2 <= seconds <= word["end"] + 1.5]
        assert seconds < words[0]["start"] + 0.3 or shown in expected, (shown, seconds)

    number = len(lines) - 3
    word = lines[number]["words"][1]
    line_of(page, number).scroll_into_view_if_needed()
    line_of(page, number).locator("[data-word='1']").click()
    expect(line_of(page, number)).to_have_class(re.compile("now"))
    assert word["start"] - 0.05 <= at(page) < word["start"] + 3
    assert sent == []

    # A reader who scrolls is left alone until they ask for the sound again.
    page.get_by_role("group", name="Transcript").hover()
    page.mouse.wheel(0, -4000)
    follow = page.get_by_role("button", name="Follow")
    expect(follow).to_be_visible()
    follow.click()
    expect(follow).to_be_hidden()
    expect(page.locator("li.now")).to_be_in_viewport()


def test_words_are_found_and_uncertain_ones_visited(page: Page, said: Callable[..., list[dict[str, Any]]]) -> None:
    lines = said()
    wanted = lines[-1]["words"][0]["text"].strip(" ,.").lower()
    total = sum(line["text"].lower().count(wanted) for line in lines)
    find = page.get_by_label("Find in transcript")
    find.fill(wanted)
    expect(page.get_by_text(f"1 of {total}", exact=True)).to_be_visible()
    expect(page.locator(".word.here").first).to_be_in_viewport()
    find.press("Shift+Enter")
    expect(page.get_by_text(f"{total} of {total}", exact=True)).to_be_visible()
    find.fill("no one says this")
    expect(page.get_by_text("Not found")).to_be_visible()

    unsure = [word for line in lines for word in line["words"] if word["unsure"]]
    expect(page.get_by_text(f"the model was unsure ({len(unsure)})")).to_be_visible()
    page.get_by_role("button", name="Next uncertain word").click()
    expect(page.locator(".word.asked")).to_have_text(unsure[0]["text"].strip())
    assert "underline" in page.locator(".word.asked").evaluate("word => getComputedStyle(word).textDecorationLine")

    # Search opens a video at its word.
    said(f"&q={wanted}&t=5")
    expect(page.get_by_label("Find in transcript")).to_have_value(wanted)
    expect(page.get_by_text(f"1 of {total}", exact=True)).to_be_visible()
    assert 4.9 <= at(page) <= 5.1


def test_a_line_is_corrected_in_place_and_taken_back(
    page: Page,
    stack: RunningStack,
    processed: Processed,
    said: Callable[..., list[dict[str, Any]]],
    sent: list[str],
) -> None:
    original = said()[1]["text"]
    sent.clear()
    subtitles = spoken(stack, processed, "vtt")
    line_of(page, 1).locator("p").first.dblclick()
    field = page.get_by_label("Text of this line")
    expect(field).to_have_value(original)
    field.fill("somebody else said zymurgy")
    field.press("Escape")
    expect(line_of(page, 1).locator("p").first).to_have_text(original)

    # What cannot be saved is told, and what was written stays.
    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="application/json", body=json.dumps({"detail": "The database rests."}))

    page.route("**/edits/segment:1", refuse)
    line_of(page, 1).focus()
    line_of(page, 1).press("Enter")
    field.fill("somebody else said zymurgy")
    field.press("Enter")
    expect(line_of(page, 1).get_by_text("The database rests.")).to_be_visible()
    expect(field).to_have_value("somebody else said zymurgy")
    page.unroute("**/edits/segment:1")

    field.press("Enter")
    expect(line_of(page, 1).get_by_text("Corrected", exact=True)).to_be_visible()
    expect(line_of(page, 1).locator("q")).to_have_text(original)
    expect(line_of(page, 1)).to_contain_text(f"by {processed.user.name}")
    assert "zymurgy" in page.request.get(subtitles).text()
    assert sent == []

    read = page.request.get(spoken(stack, processed, "json")).json()
    assert read["corrections"][0] | {"at": ""} == {
        "line": 1,
        "original": original,
        "editor": processed.user.name,
        "at": "",
    }
    said()
    expect(line_of(page, 1)).to_contain_text("zymurgy")
    line_of(page, 1).get_by_role("button", name="Take back").click()
    expect(line_of(page, 1).locator("p").first).to_have_text(original)
    expect(page.get_by_text("As it was recognised.")).to_be_visible()
    assert "zymurgy" not in page.request.get(subtitles).text()
    page.get_by_role("button", name="Undo").click()
    expect(line_of(page, 1).get_by_text("Corrected", exact=True)).to_be_visible()
    line_of(page, 1).get_by_role("button", name="Take back").click()
    expect(line_of(page, 1).get_by_text("Corrected", exact=True)).to_have_count(0)
    expect(page.get_by_text("As it was recognised.")).to_be_visible()


def test_the_player_obeys_bar_keys_and_address(
    page: Page, context: BrowserContext, said: Callable[..., list[dict[str, Any]]], sent: list[str]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    said("&t=10")
    sent.clear()
    assert 9.9 <= at(page) <= 10.1
    page.get_by_role("button", name=re.compile("^Copy link at 0:10")).click()
    expect(page.get_by_text("Link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith("&t=10")

    mark = page.get_by_role("button", name=re.compile("^Chapter "))
    label = mark.first.get_attribute("aria-label") or ""
    minutes, seconds = label.rsplit(" ", 1)[1].split(":")
    mark.first.click()
    assert 0 <= at(page) - (60 * int(minutes) + int(seconds)) < 1.01

    # Nothing has the focus: the keys are the player's.
    page.evaluate("document.activeElement.blur()")
    duration = video(page).evaluate("video => video.duration")
    page.keyboard.press("0")
    assert at(page) == 0
    page.keyboard.press("l")
    page.keyboard.press("ArrowRight")
    assert at(page) == pytest.approx(15, abs=0.1)
    page.keyboard.press("j")
    page.keyboard.press("ArrowLeft")
    assert at(page) == pytest.approx(0, abs=0.1)
    page.keyboard.press("5")
    assert at(page) == pytest.approx(duration / 2, abs=0.1)
    page.keyboard.press("m")
    assert video(page).evaluate("video => video.muted") is False
    page.keyboard.press("m")
    captions = page.get_by_role("button", name=re.compile("^Captions"))
    expect(captions).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("c")
    expect(captions).to_have_attribute("aria-pressed", "false")
    assert video(page).evaluate("video => video.textTracks[0].mode") == "disabled"
    page.keyboard.press("c")
    assert video(page).evaluate("video => video.textTracks[0].mode") == "showing"
    page.keyboard.press("Space")
    page.wait_for_function("true")
    assert video(page).evaluate("video => video.paused") is False
    page.keyboard.press("k")
    assert video(page).evaluate("video => video.paused") is True
    page.get_by_label("Speed").select_option("1.5")
    page.get_by_role("button", name="Keys of the player").click()
    expect(page.get_by_role("dialog", name="Keys of the player")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys of the player")).to_be_hidden()

    # Writing is not steering.
    before = at(page)
    page.get_by_label("Find in transcript").press_sequentially("k5")
    assert at(page) == before
    assert sent == []

    # Where one was, and how fast, is remembered.
    page.get_by_label("Find in transcript").fill("")
    said()
    assert at(page) == pytest.approx(before, abs=0.5)
    assert video(page).evaluate("video => video.playbackRate") == 1.5
    page.get_by_label("Speed").select_option("1")


def test_title_and_tags_are_changed_in_place(
    page: Page, said: Callable[..., list[dict[str, Any]]], sent: list[str]
) -> None:
    said()
    sent.clear()
    title = page.get_by_role("heading", level=1)
    before = title.inner_text()
    page.get_by_role("button", name="Change the title").click()
    field = page.get_by_label("Title", exact=True)
    field.fill("A title by somebody")
    field.press("Enter")
    expect(title).to_have_text("A title by somebody")
    page.get_by_role("button", name="Add tags").click()
    page.get_by_label("Tags, with commas between them").fill("poems, Poems, #candle light")
    page.keyboard.press("Enter")
    expect(page.locator(".tags .chip")).to_have_text(["poems", "candle light"])
    assert sent == []
    said()
    expect(title).to_have_text("A title by somebody")
    expect(page.locator(".tags .chip")).to_have_text(["poems", "candle light"])
    page.get_by_role("button", name="Change the title").click()
    field.fill(before)
    field.press("Enter")
    expect(title).to_have_text(before)
    page.get_by_role("button", name="Change tags").click()
    page.get_by_label("Tags, with commas between them").fill("")
    page.keyboard.press("Enter")
    expect(page.locator(".tags .chip")).to_have_count(0)
    expect(page.get_by_role("button", name="Add tags")).to_be_visible()


def test_everything_is_saved_in_one_archive(page: Page, said: Callable[..., list[dict[str, Any]]]) -> None:
    lines = said()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Everything").click()
    content = Path(downloading.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = [name.split("/", 1)[1] for name in archive.namelist()]
        folder = archive.namelist()[0].split("/", 1)[0]
        assert lines[0]["text"] in archive.read(f"{folder}/transcript/transcript.txt").decode()
        assert "How it was made" in archive.read(f"{folder}/README.txt").decode()
    assert {name.split("/")[0] for name in names} == {
        "README.txt",
        "transcript",
        "analysis",
        "posts",
        "thumbnails",
        "clips",
    }
    assert downloading.value.suggested_filename == f"{folder}.zip"


def test_a_keyword_is_found_in_the_transcript_and_how_it_was_made_is_told(
    page: Page, said: Callable[..., list[dict[str, Any]]]
) -> None:
    said()
    page.get_by_role("tab", name="Analysis").click()
    keyword = page.get_by_title("Find in the transcript").first
    word = keyword.inner_text()
    keyword.click()
    expect(page.get_by_label("Find in transcript")).to_have_value(word)
    expect(page.locator(".word.found").first).to_be_visible()
    page.get_by_role("tab", name="How it was made").click()
    table = page.get_by_role("table", name="How each output was made")
    for name in STAGE_NAMES.values():  # of clips there may be more than one, where they were cut again
        expect(table.get_by_role("row", name=re.compile(f"^{name}")).first).to_contain_text("free")


def whole_runs(page: Page) -> list[str]:
    """Grows with each run of a whole page: what is drawn again in part names its fragments."""
    runs: list[str] = []

    def heard(payload: str | bytes) -> None:
        message = ForwardMsg.FromString(payload if isinstance(payload, bytes) else payload.encode())
        if message.WhichOneof("type") == "new_session" and not message.metadata.run.fragment_ids:
            runs.append(message.new_session.page_script_hash)

    page.on("websocket", lambda socket: socket.on("framereceived", heard))
    return runs


def test_the_film_plays_on_while_work_on_it_begins_and_ends(
    page: Page, context: BrowserContext, stack: RunningStack, tmp_path: Path
) -> None:
    runs = whole_runs(page)
    person, operator = stack.person(), stack.person(Role.OPERATOR)
    operations = stack.services.operations
    stack.sign_in(context, person)
    film = tiny(tmp_path / "tiny.mp4")
    operations.pause(operator, QueueName.MEDIA, reason="a test looks at what waits")
    try:
        with ThreadPoolExecutor() as outside:  # Playwright runs a loop in this thread, and so does the upload
            accepted = outside.submit(
                stack.services.uploads.accept_file, person, film, title="Tiny", kind=JobKind.PIPELINE
            ).result()
        page.goto(f"{stack.address}/video?id={accepted.video_id}")
        expect(page.locator("li[data-stage=probe]")).to_be_visible()
        settled(page)
        video(page).evaluate(READY)
        video(page).evaluate(
            "video => { video.dataset.first = 'yes'; video.loop = video.muted = true; return video.play(); }"
        )
        page.get_by_role("button", name="Change the title").click()
        page.get_by_label("Title", exact=True).fill("What somebody writes meanwhile")
        assert len(runs) >= 1
        runs.clear()
    finally:
        operations.resume(operator, QueueName.MEDIA)
    again = page.get_by_role("button", name="Make again")
    expect(again).to_be_visible(timeout=60_000)
    settled(page)
    assert video(page).evaluate("video => [video.dataset.first, video.paused]") == ["yes", False]
    bar = page.get_by_role("progressbar", name="Progress")
    expect(bar).to_be_hidden()
    page.get_by_role("tab", name="Thumbnails").click()
    expect(page.locator("figure").first).to_be_visible()

    # A job that is begun elsewhere is followed too, and what it would refuse is not offered.
    operations.pause(operator, QueueName.MEDIA, reason="a test looks at what waits")
    try:
        operations.submit(person, accepted.video_id, JobKind.THUMBNAILS)
        expect(bar).to_be_visible()
        expect(page.get_by_role("button", name="Cancel", exact=True).last).to_be_visible()
        expect(again).to_be_hidden()
    finally:
        operations.resume(operator, QueueName.MEDIA)
    expect(again).to_be_visible(timeout=60_000)
    expect(bar).to_be_hidden()
    assert video(page).evaluate("video => [video.dataset.first, video.paused]") == ["yes", False]
    expect(page.get_by_label("Title", exact=True)).to_have_value("What somebody writes meanwhile")
    assert runs == [], "only parts were drawn again"
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("Repurposed", exact=True)).to_be_visible()
