"""The bars of the limits: set by an admin, moved by an upload, and at their end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from bench.footage import tiny
from services.model import LimitName, Role
from tests.e2e.conftest import RunningStack, settled

pytestmark = pytest.mark.browser

COUNT_RUNS = """() => {
  window.runs = 0;
  const app = document.querySelector("[data-testid=stApp]");
  new MutationObserver(() => { if (app.dataset.testScriptState === "running") window.runs += 1; })
    .observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] });
}"""


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)


def bar(page: Page, name: str) -> Locator:
    """The bar of a limit in the sidebar."""
    return page.get_by_test_id("stSidebar").get_by_role("meter", name=name)


def set_limit(admin: Page, stack: RunningStack, user_id: int, *, limit: str, value: int) -> None:
    admin.goto(f"{stack.address}/users?user={user_id}")
    admin.get_by_role("button", name="Set a limit").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Limit", exact=True).click()
    admin.get_by_role("option", name=limit).click()
    dialog.get_by_label("How many").fill(str(value))
    dialog.get_by_role("textbox", name="Why").fill("launch week")
    dialog.get_by_role("button", name="Set the limit").click()
    expect(admin.get_by_text(f"{value} {limit}")).to_be_visible()


def test_the_bars_come_to_their_end_and_say_when_more_frees(
    stack: RunningStack, chromium_browser: Browser, context: BrowserContext, page: Page, tmp_path: Path
) -> None:
    user = stack.person()
    managing = chromium_browser.new_context(viewport={"width": 1280, "height": 900})
    stack.sign_in(managing, stack.person(Role.ADMIN))
    admin = managing.new_page()
    for limit in ("jobs an hour", "uploads a day"):
        set_limit(admin, stack, user.id, limit=limit, value=1)
    managing.close()

    stack.sign_in(context, user)
    page.goto(f"{stack.address}/upload")
    expect(bar(page, "Uploads, 24 hours")).to_have_attribute("aria-valuetext", "1 of 1 left")
    expect(bar(page, "AI jobs, this hour")).to_have_attribute("aria-valuetext", "1 of 1 left")
    expect(page.get_by_text(re.compile(r"1 a day until .*: launch week"))).to_be_visible()
    settled(page)
    page.evaluate(COUNT_RUNS)
    film = tiny(tmp_path / "first.mp4")
    second = tmp_path / "second.mp4"
    second.write_bytes(film.read_bytes() + bytes(8))
    page.locator("input[type=file]").set_input_files(film)
    expect(page.locator("[data-state=accepted]")).to_be_visible()
    for name in ("Uploads, 24 hours", "AI jobs, this hour"):
        expect(bar(page, name)).to_have_attribute("aria-valuetext", re.compile(r"^Used up, again (at|on) "))
    assert page.evaluate("window.runs") == 0  # the bars have moved by themselves
    expect(page.get_by_text("The next upload fits ")).to_be_visible()
    expect(page.get_by_text("Uploads are kept, and their work starts by itself ")).to_be_visible()

    page.locator("input[type=file]").set_input_files(second)
    refused = page.locator("[data-state=refused]")
    expect(refused).to_contain_text(re.compile("The next one fits"))
    expect(refused.get_by_role("textbox", name="Title of second.mp4")).to_have_value("second")

    # An admin makes room: a page that is opened now says so.
    stack.services.limits.set_override(
        stack.services.accounts.first_admin(),
        user.id,
        LimitName.UPLOADS,
        value=3,
        reason="more",
        until=datetime.now(UTC) + timedelta(days=1),
    )
    page.get_by_test_id("stSidebarNavLink").filter(has_text="My account").click()
    expect(bar(page, "Uploads, 24 hours")).to_have_attribute("aria-valuetext", "2 of 3 left")
    assert page.evaluate("window.runs") > 0  # a run is counted where there is one
