"""What a video was turned into, made one's own: a clip cut again by words, a post edited, a thumbnail chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from services.library import Query
from services.model import StageName, VideoState
from services.outputs import Clip, ClipsOutput, PostsOutput, ThumbnailsOutput
from services.records.videos import FileRow
from services.videos import VideoDetail
from tests.e2e.conftest import Processed, RunningStack, settled

# The pipeline that the first test may wait for counts as its time.
pytestmark = [pytest.mark.browser, pytest.mark.speech, pytest.mark.timeout(600)]

RENDERED_MS = 120_000
SLACK = 0.2  # seconds by which a film may be longer or shorter than its passage


@pytest.fixture
def video(page: Page, context: BrowserContext, stack: RunningStack, processed: Processed) -> Iterator[Page]:
    """The page of the processed video; whatever breaks in the browser fails the test."""
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=stack.address)
    stack.sign_in(context, processed.user)
    open_video(page, stack, processed)
    yield page
    # The server says on deep links that two addresses of its own are not there.
    assert [text for text in broken if "404" not in text] == []


def open_video(page: Page, stack: RunningStack, processed: Processed) -> None:
    page.goto(f"{stack.address}/video?id={processed.video_id}")
    expect(page.get_by_role("tab", name="Clips")).to_be_visible()
    settled(page)


def detail_of(stack: RunningStack, processed: Processed) -> VideoDetail:
    return stack.services.videos.get(processed.user, processed.video_id)


def clips_of(detail: VideoDetail) -> dict[int, Clip]:
    output = detail.outputs[StageName.CLIPS]
    assert isinstance(output, ClipsOutput)
    return {clip.position: clip for clip in output.clips}


def films(detail: VideoDetail) -> dict[tuple[str, int], FileRow]:
    return {(file.role, file.position): file for file in detail.files if file.media_type == "video/mp4"}


def seconds_of(path: Path) -> float:
    with av.open(str(path)) as container:
        assert container.duration is not None
        return container.duration / 1_000_000


def slider(card: Locator, name: str) -> Locator:
    return card.get_by_role("slider", name=f"{name} of the clip")


def test_a_clip_is_cut_again_by_two_words(video: Page, stack: RunningStack, processed: Processed) -> None:
    before = detail_of(stack, processed)
    position, clip = min(clips_of(before).items(), key=lambda each: each[1].end - each[1].start)
    video.get_by_role("tab", name="Clips").click()
    card = video.locator(f"article[data-position='{position}']")
    player = card.locator(".shown video")
    old_source = player.get_attribute("src")
    others = video.locator(f"article:not([data-position='{position}']) .shown video")
    kept = others.evaluate_all("players => { window.kept = players; return players.map((each) => each.src); }")

    card.get_by_role("button", name="Adjust").click()
    start = slider(card, "Start")
    expect(start).to_be_focused()
    first = int(start.get_attribute("aria-valuenow") or "")
    start.press("ArrowRight")
    card.get_by_role("button", name="Start one word later").click()
    expect(start).to_have_attribute("aria-valuenow", str(first + 2))
    render = video.get_by_role("button", name="Render again")
    expect(render).to_be_enabled()
    expect(video.get_by_text(re.compile(r"^This uses one "))).to_be_visible()

    # What cannot be rendered is said in words, and cannot be sent.
    last_word = int(slider(card, "End").get_attribute("aria-valuenow") or "")
    card.locator(f"[data-word='{last_word}']").click()
    card.get_by_role("button", name="Start the clip with this word").click()
    expect(card.get_by_text("Too short: at least 3 seconds are needed.")).to_be_visible()
    expect(render).to_be_disabled()
    card.locator(f"[data-word='{first + 2}']").click()
    card.get_by_role("button", name="Start the clip with this word").click()
    expect(render).to_be_enabled()

    # The preview plays the passage from the video itself.
    card.get_by_role("button", name="Play the passage").click()
    preview = card.locator(".preview video")
    expect(card.get_by_role("button", name="Play the passage")).to_have_text("Pause")
    began = preview.evaluate("media => media.currentTime")

    title = card.get_by_label("Title of the clip")
    title.fill("Two words <b>less</b>")
    asked: list[dict[str, float]] = []
    video.on(
        "request",
        lambda request: (
            asked.extend(json.loads(request.post_data or "")["cuts"]) if request.url.endswith("/clips") else None
        ),
    )
    render.click()
    progress = card.get_by_role("progressbar")
    expect(progress).to_be_visible()
    expect(player).not_to_have_attribute("src", str(old_source), timeout=RENDERED_MS)
    expect(card.get_by_role("heading", name="Two words <b>less</b>")).to_be_visible()
    expect(card.get_by_text("Cut by hand")).to_be_visible()
    expect(progress).to_be_hidden()

    after = detail_of(stack, processed)
    (cut,) = asked
    made = clips_of(after)[position]
    assert (made.start, made.end) == (cut["start"], cut["end"])
    assert made.start > clip.start
    assert made.end == clip.end
    assert began == pytest.approx(made.start, abs=1.5)
    old_files, new_files = films(before), films(after)
    assert {place[1] for place in old_files if old_files[place].id != new_files[place].id} == {position}
    for role in ("clip_portrait", "clip_landscape"):
        path = stack.services.videos.open_file(processed.user, new_files[role, position].id).path
        assert seconds_of(path) == pytest.approx(made.end - made.start, abs=SLACK)
    assert others.evaluate_all("players => players.map((each) => each.src)") == kept
    assert others.evaluate_all("players => players.every((each) => window.kept.includes(each))"), "none was drawn anew"
    assert after.video.state is VideoState.REPURPOSED

    # Taken out of the list, and back.
    card.get_by_role("button", name="Take out").click()
    expect(card).to_have_count(0)
    video.get_by_role("button", name="Bring back").click()
    expect(card).to_have_count(1)


def test_a_post_is_edited_copied_and_restored(video: Page, stack: RunningStack, processed: Processed) -> None:
    output = detail_of(stack, processed).outputs[StageName.POSTS]
    assert isinstance(output, PostsOutput)
    original = next(post for post in output.posts if post.network == "x_thread").parts
    video.get_by_role("tab", name="Posts").click()
    thread = video.locator("section[data-network=x_thread]")
    area = thread.locator("textarea").first
    expect(area).to_have_value(original[0])
    hostile = '</textarea><img src=x onerror="document.title=1"> ' + "long " * 60
    area.fill(hostile)
    expect(thread.get_by_text(re.compile(r"too many for X$"))).to_be_visible()
    expect(area).to_have_attribute("aria-invalid", "true")
    area.fill(f"{'x' * 250} https://example.com/{'y' * 100}")
    expect(thread.get_by_text("274 of 280")).to_be_visible()
    area.fill("Short </textarea><b>and</b> mine")
    expect(thread.get_by_text("Saved", exact=True)).to_be_visible()
    thread.get_by_role("button", name="Copy this part").first.click()
    expect(thread.get_by_text("Copied")).to_be_visible()
    assert video.evaluate("navigator.clipboard.readText()") == "Short </textarea><b>and</b> mine"
    with video.expect_download() as downloading:
        thread.get_by_role("button", name="Download X thread as txt").click()
    assert downloading.value.suggested_filename == "The-sample-talk-x_thread.txt"
    assert downloading.value.path().read_text().startswith("Short </textarea><b>and</b> mine\n\n")

    parts = thread.locator("textarea")
    thread.get_by_role("button", name="Remove this part").last.click()
    expect(parts).to_have_count(len(original) - 1)
    expect(thread.get_by_text("Saved", exact=True)).to_be_visible()

    open_video(video, stack, processed)
    video.get_by_role("tab", name="Posts").click()
    expect(area).to_have_value("Short </textarea><b>and</b> mine")
    expect(parts).to_have_count(len(original) - 1)
    expect(thread.get_by_text(f"Edited by {processed.user.name}")).to_be_visible()
    thread.get_by_role("button", name="Restore the original").click()
    expect(parts).to_have_count(len(original))
    expect(area).to_have_value(original[0])
    assert detail_of(stack, processed).edits == {}


def test_a_thumbnail_is_chosen_and_shown_in_the_library(video: Page, stack: RunningStack, processed: Processed) -> None:
    detail = detail_of(stack, processed)
    output = detail.outputs[StageName.THUMBNAILS]
    assert isinstance(output, ThumbnailsOutput)
    other = next(one for one in output.thumbnails if not one.picked)
    video.get_by_role("tab", name="Thumbnails").click()
    figures = video.locator("figure")
    expect(figures).to_have_count(len(output.thumbnails))
    figures.nth(0).get_by_role("button", name=re.compile("large$")).click()
    box = video.get_by_role("dialog", name="Thumbnail, large")
    shown = box.locator("img").get_attribute("src")
    video.keyboard.press("ArrowRight")
    expect(box.locator("img")).not_to_have_attribute("src", str(shown))
    video.keyboard.press("Escape")
    expect(box).to_be_hidden()

    at = f"{int(other.at) // 60}:{int(other.at) % 60:02}"
    with video.expect_response(lambda answer: answer.url.endswith("/edits/thumbnail")) as saving:
        video.get_by_role("button", name=f"Use the thumbnail at {at}").click()
    assert saving.value.json() == {"value": other.position}
    expect(video.locator("figure.stands").get_by_text("Stands for the video")).to_be_visible()
    rows = stack.services.library.search(processed.user, Query()).rows
    (row,) = (row for row in rows if row.id == processed.video_id)
    file = detail.file("thumbnail", other.position)
    assert file is not None
    small = detail.file("thumbnail_small", other.position)
    video.goto(f"{stack.address}/videos")
    expect(video.get_by_role("checkbox", name=f"Select {row.title}", exact=True)).to_be_visible()
    pictures = {file.id} | ({small.id} if small is not None else set())
    expect(video.locator(", ".join(f"img[src*='{one}']" for one in pictures)).first).to_be_visible()
    stack.services.edits.save(processed.user, processed.video_id, "thumbnail", None)
