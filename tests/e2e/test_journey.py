"""The main job by mouse: a person, a video, and what was made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import SAMPLE, RunningStack, settled

pytestmark = [pytest.mark.browser, pytest.mark.speech]

PASSWORD = "a quiet morning walk"
PIPELINE_MS = 240_000


def test_the_main_job(page: Page, context: BrowserContext, stack: RunningStack, tmp_path: Path) -> None:
    outside: list[str] = []
    broken: list[str] = []
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((stack.address, stack.address.replace("http", "ws"), "data:", "blob:"))
            else outside.append(request.url)
        ),
    )
    page.on("pageerror", lambda error: broken.append(str(error)))

    # A deep link survives the sign-in and the choice of a password.
    page.goto(f"{stack.address}/upload")
    page.get_by_label("Name").fill("admin")
    page.locator("input[type=password]").fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    assert page.request.get(f"{stack.address}/api/v1/uploads").status == 403
    passwords = page.locator("input[type=password]")
    for position, value in enumerate((stack.password, PASSWORD, PASSWORD)):
        passwords.nth(position).fill(value)
    page.get_by_role("button", name="Save and go on").click()

    expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    assert page.url == f"{stack.address}/upload"
    (cookie,) = (cookie for cookie in context.cookies() if cookie["name"] == "backlot_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert page.evaluate("document.cookie.includes('backlot_session')") is False

    page.locator("input[type=file]").set_input_files(SAMPLE)
    page.get_by_role("link", name="Open video").click()
    expect(page.get_by_role("heading", name=SAMPLE.stem, level=1)).to_be_visible()
    expect(page.locator("li[data-stage]")).to_have_count(6)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("button", name="Make again")).to_be_visible(timeout=PIPELINE_MS)
    expect(page.get_by_text("Repurposed", exact=True)).to_be_visible()
    expect(page.locator("li[data-stage].succeeded")).to_have_count(6)
    expect(page.get_by_role("progressbar", name="Progress")).to_be_hidden()

    video = page.locator("video").first
    video.evaluate("video => { video.muted = true; return video.play(); }")
    expect.set_options(timeout=15_000)
    moved = "video => new Promise(done => { video.ontimeupdate = () => video.currentTime > 0.5 && done(true); })"
    assert video.evaluate(moved)
    assert video.evaluate("video => video.textTracks.length") == 1

    expect(page.get_by_title("Play from here").first).to_be_visible()
    page.get_by_role("tab", name="Thumbnails").click()
    expect(page.locator("figure img")).to_have_count(6)
    assert page.locator("figure img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    page.get_by_role("tab", name="Clips").click()
    clips = page.locator("article video")
    expect(clips.first).to_be_visible()
    clips.first.evaluate("video => { video.muted = true; return video.play(); }")
    width, height = clips.first.evaluate("video => [video.videoWidth, video.videoHeight]")
    assert width * 16 == height * 9
    page.get_by_role("tab", name="Posts").click()
    expect(page.locator("section[data-network=linkedin] textarea")).not_to_be_empty()

    with page.expect_download() as downloading:
        page.get_by_role("link", name="SRT", exact=True).click()
    downloading.value.save_as(tmp_path / "saved.srt")
    assert downloading.value.suggested_filename == f"{SAMPLE.stem}.srt"
    assert " --> " in (tmp_path / "saved.srt").read_text()

    # The list leads back to it.
    page.get_by_role("link", name="Videos", exact=True).click()
    expect(page.get_by_role("checkbox", name=f"Select {SAMPLE.stem}", exact=True)).to_be_visible()
    page.get_by_role("link", name=SAMPLE.stem).first.click()
    expect(page.get_by_role("heading", name=SAMPLE.stem, level=1)).to_be_visible()

    source = video.evaluate("video => video.currentSrc")
    assert page.request.get(source, headers={"Range": "bytes=0-99"}).status == 206
    stolen = cookie["value"]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert not [cookie for cookie in context.cookies() if cookie["name"] == "backlot_session"]
    for address in (source, f"{stack.address}/api/v1/uploads", f"{stack.address}/media/x"):
        assert page.request.get(address).status == 401
        refused = page.request.get(address, headers={"Cookie": f"backlot_session={stolen}"})
        assert refused.status == 401
    page.goto(f"{stack.address}/upload")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    settled(page)
    assert outside == []
    assert broken == []
