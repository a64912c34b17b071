"""The library in a real browser: a spoken word leads to its second, and the address keeps what was asked for."""

from __future__ import annotations

import functools
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from services.model import JobKind, JobState, User
from tests.e2e.conftest import SAMPLE, Processed, RunningStack, settled

pytestmark = [pytest.mark.browser, pytest.mark.speech]

BROKEN = 3  # videos that nothing can be made of
ENDED_SECONDS = 90.0


@pytest.fixture(scope="module")
def broken(stack: RunningStack, processed: Processed, tmp_path_factory: pytest.TempPathFactory) -> User:
    """The same creator, also with videos whose files end too early."""
    folder = tmp_path_factory.mktemp("broken")
    jobs = []
    for number in range(BROKEN):
        path = folder / f"broken {number}.mp4"
        path.write_bytes(SAMPLE.read_bytes()[: 4096 + number])
        accept = functools.partial(
            stack.services.uploads.accept_file, title=f"Broken export {number}", kind=JobKind.PIPELINE
        )
        with ThreadPoolExecutor(1) as outside:  # Playwright may run a loop in this thread, and so does the upload
            jobs.append(outside.submit(accept, processed.user, path).result().job_id)
    deadline = time.monotonic() + ENDED_SECONDS
    states: set[JobState] = set()
    while states != {JobState.FAILED}:
        assert time.monotonic() < deadline, f"the broken videos are {states}"
        time.sleep(0.2)
        states = {stack.services.operations.job(processed.user, job).state for job in jobs}
    return processed.user


@pytest.fixture
def videos(page: Page, context: BrowserContext, stack: RunningStack, broken: User) -> Page:
    """The Videos page of this creator."""
    stack.sign_in(context, broken)
    page.goto(f"{stack.address}/videos")
    expect(page.locator("li.video")).to_have_count(BROKEN + 1)
    settled(page)
    return page


def test_a_spoken_word_leads_to_its_second_and_back(videos: Page, processed: Processed, stack: RunningStack) -> None:
    page = videos
    page.keyboard.press("/")
    search = page.get_by_label("Search titles and what is said")
    expect(search).to_be_focused()
    page.keyboard.type("memor", delay=30)
    expect(page.locator("li.video")).to_have_count(1)
    expect(search).to_be_focused()
    line = page.locator("a.match").first
    expect(line.locator("mark")).to_have_text(re.compile("memory", re.IGNORECASE))
    expect(page).to_have_url(f"{stack.address}/videos?q=memor")
    href = line.get_attribute("href") or ""
    second = int(href.split("t=")[1])
    assert 5 < second < 20  # "… might bear his memory" is said in the first sentence
    page.reload()
    expect(search).to_have_value("memor")
    line.click()
    expect(page).to_have_url(f"{stack.address}/video?id={processed.video_id}&t={second}")
    expect(page.get_by_role("heading", name="The sample talk", level=1)).to_be_visible()
    page.locator("video").first.evaluate(
        "(video, second) => new Promise((done) => { const look = () => video.currentTime >= second - 1"
        " ? done() : setTimeout(look, 50); look(); })",
        second,
    )
    page.go_back()
    expect(page).to_have_url(f"{stack.address}/videos?q=memor")
    expect(page.locator("a.match").first).to_be_visible()
    page.go_back()
    expect(page.locator("li.video")).to_have_count(BROKEN + 1)
    expect(search).to_have_value("")


def test_pictures_and_table_and_a_filter_survive_reloading(videos: Page) -> None:
    page = videos
    poster = page.locator("li.video", has_text="The sample talk").locator("img.picture")
    width, size = poster.evaluate(
        "async (image) => { await image.decode(); return [image.naturalWidth,"
        " performance.getEntriesByName(image.src)[0].encodedBodySize]; }"
    )
    assert width == 480
    assert 0 < size < 60_000
    page.get_by_role("button", name="Table").click()
    page.get_by_role("button", name=re.compile("^Failed")).click()
    expect(page.locator("li.video")).to_have_count(BROKEN)
    page.reload()
    expect(page.locator("li.video")).to_have_count(BROKEN)
    expect(page.locator("ul.videos.table")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Failed"))).to_have_attribute("aria-pressed", "true")
    assert "state=failed" in page.url
    assert "view=table" in page.url


def test_a_preview_runs_through_the_pictures(videos: Page) -> None:
    card = videos.locator("li.video", has_text="The sample talk")
    card.locator("a.open").hover()
    frame = card.locator("img.frame")
    expect(frame).to_be_visible()
    first = frame.get_attribute("src")
    expect(frame).not_to_have_attribute("src", first or "")
    videos.get_by_role("heading", name="Videos").hover()
    expect(frame).to_have_count(0)
    videos.emulate_media(reduced_motion="reduce")
    card.locator("a.open").hover()
    videos.wait_for_timeout(500)
    expect(frame).to_have_count(0)


def test_many_are_tried_again_by_keyboard_alone(videos: Page, stack: RunningStack, broken: User) -> None:
    page = videos
    everything = page.get_by_label("Select all that are shown")
    everything.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("toolbar")).to_contain_text(f"{BROKEN + 1} selected")
    again = page.get_by_role("toolbar").get_by_role("button", name="Try again")
    again.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text(f"Try {BROKEN} videos again?")
    expect(dialog).to_contain_text("Nothing failed or was cancelled")
    confirm = dialog.get_by_role("button", name="Try again")
    expect(confirm).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading")).to_have_text(f"{BROKEN} videos tried again")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("toolbar")).to_be_hidden()
    assert retries(stack, broken) == BROKEN
    retried = page.locator("li.video", has_text="Broken export 0")
    expect(retried.locator(".chip")).to_have_text("Failed", timeout=60_000)


def retries(stack: RunningStack, user: User) -> int:
    """How many of the user's jobs were tried again, by the history."""
    with stack.services.database.transaction() as connection:
        return int(
            connection.execute(
                text("select count(*) from events where action = 'job retried' and actor = :actor"),
                {"actor": f"user:{user.id}"},
            ).scalar_one()
        )


def test_a_narrow_screen_holds_all_of_it(videos: Page) -> None:
    page = videos
    page.set_viewport_size({"width": 390, "height": 844})
    for view in ("Pictures", "Table"):
        page.get_by_role("button", name=view).click()
        page.get_by_role("button", name="Filters").click()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        for chip in page.locator("li.video .chip").all():
            box = chip.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
