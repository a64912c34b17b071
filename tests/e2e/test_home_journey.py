"""Somebody new on Home: the sample, a tab that is closed, and what is found again afterwards."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from services.model import JobKind, JobState, User
from tests.e2e.conftest import RunningStack, settled

pytestmark = [pytest.mark.browser, pytest.mark.speech, pytest.mark.timeout(600)]

PIPELINE_SECONDS = 240.0
TOAST_MS = 15_000
TITLE = re.compile("^Sample: ")

# What a person cannot read: text that is cut without an ellipsis, very small, or beyond the edge of the screen.
UNREADABLE = """() => {
  const all = (root) => [...root.querySelectorAll("*")].flatMap(
    (one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
  const wide = document.documentElement.clientWidth;
  return all(document.querySelector("[data-testid=stMain]")).filter((one) => {
    const says = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    if (!says || !box.width || one.matches("style, script, .unseen") || style.visibility === "hidden") return false;
    const isCut = one.scrollWidth > one.clientWidth + 1 && style.overflowX !== "visible"
      && style.textOverflow !== "ellipsis";
    return isCut || parseFloat(style.fontSize) < 11 || box.left < 0 || box.right > wide + 1;
  }).map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 60)}`);
}"""


def bell(page: Page, unread: int | None = None) -> object:
    name = "Notifications" if not unread else f"Notifications, {unread} unread"
    return page.get_by_role("button", name=name, exact=True)


def wait_until_done(stack: RunningStack, user: User) -> None:
    deadline = time.monotonic() + PIPELINE_SECONDS
    while not (rows := stack.services.notifications.inbox(user).rows):
        assert time.monotonic() < deadline, "the pipeline did not end"
        time.sleep(0.5)
    assert rows[0].outcome is JobState.SUCCEEDED, rows[0].reason


def test_from_an_empty_home_to_what_was_made(page: Page, context: BrowserContext, stack: RunningStack) -> None:
    user = stack.person()
    stack.sign_in(context, user)
    page.goto(stack.address)
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Upload a video")).to_be_visible()
    expect(bell(page)).to_be_visible()
    page.get_by_role("button", name="Process the sample video").click()
    expect(page.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
    video_address = page.url

    # Home shows how far it is, by itself; then the tab is closed.
    page.goto(stack.address)
    running = page.get_by_role("progressbar", name=TITLE)
    expect(running).to_be_visible()
    page.wait_for_function(
        """(bar) => Number(bar.getAttribute("aria-valuenow")) >= 30 || !bar.isConnected""",
        arg=running.element_handle(),
        timeout=PIPELINE_SECONDS * 1000,
    )
    assert 30 <= int(running.get_attribute("aria-valuenow") or 0) < 100
    page.close()
    wait_until_done(stack, user)

    # A new tab finds it.
    page = context.new_page()
    page.goto(stack.address)
    expect(bell(page, 1)).to_be_visible()
    expect(page).to_have_title("(1) Home · Backlot")
    finished = page.get_by_role("region", name="Just finished").get_by_role("link", name="Sample: ")
    expect(finished).to_contain_text("New")
    expect(finished).to_contain_text(re.compile(r"\d clips? · \d posts"))
    image = finished.locator("img")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    expect(page.get_by_test_id("stMain").get_by_role("meter", name="AI jobs, this hour")).to_have_attribute(
        "aria-valuenow", "9"
    )

    # What ends while somebody looks says so, and goes.
    (video_id,) = {row.video_id for row in stack.services.notifications.inbox(user).rows}
    page.wait_for_function("() => window.backlotLive.state === 'live'")
    stack.services.operations.submit(user, video_id, JobKind.POSTS)
    toast = page.get_by_role("status").get_by_role("link", name=TITLE)
    expect(toast).to_be_visible(timeout=TOAST_MS)
    expect(bell(page, 2)).to_be_visible()
    toast.hover()
    page.wait_for_timeout(7000)
    expect(toast).to_be_visible()
    page.mouse.move(300, 300)
    expect(toast).to_have_count(0, timeout=TOAST_MS)

    # By keyboard alone.
    bell(page, 2).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Notifications")
    expect(dialog.get_by_role("link")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(bell(page, 2)).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
    assert page.url == video_address
    # Whoever looks at the video has read what is said of it.
    expect(bell(page)).to_be_visible()
    assert stack.services.notifications.inbox(user).unread == 0

    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
    expect(finished).not_to_contain_text("New")
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    expect(finished).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(UNREADABLE) == []
    bell(page).click()
    expect(dialog).to_be_visible()
    assert page.evaluate(UNREADABLE) == []
