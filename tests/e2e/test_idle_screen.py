"""A screen that is left open goes to sign-in by itself; one that somebody touches stays."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from console.components import FOLDER
from tests.e2e.conftest import RunningStack, running, settled

pytestmark = pytest.mark.browser

IDLE = 12.0  # seconds
LATE = 6.0  # seconds that the way to the sign-in page may take on a busy machine


@pytest.fixture(scope="module")
def short_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack without workers whose sessions end soon when nobody uses them."""
    workers = {"BACKLOT_MEDIA_WORKERS": "0", "BACKLOT_AI_WORKERS": "0"}
    with running(tmp_path_factory.mktemp("home"), BACKLOT_SESSION_IDLE=str(IDLE), **workers) as started:
        yield started


def test_a_screen_left_open_goes_to_sign_in_and_leads_back(short_lived: RunningStack, context: BrowserContext) -> None:
    user = short_lived.person()
    short_lived.sign_in(context, user)
    page = context.new_page()
    page.goto(f"{short_lived.address}/videos")
    expect(page.get_by_role("heading", name="Videos", level=1)).to_be_visible(timeout=30_000)
    settled(page)
    for _ in range(3):  # somebody is there for longer than the idle time
        page.wait_for_timeout(IDLE * 400)
        page.get_by_role("link", name="Home", exact=True).click()
        settled(page)
        page.get_by_role("link", name="Videos", exact=True).click()
        settled(page)
    expect(page.get_by_role("heading", name="Videos", level=1)).to_be_visible()

    left = time.monotonic()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=1000 * (IDLE + LATE))
    assert time.monotonic() - left > IDLE / 2
    assert page.url == f"{short_lived.address}/videos"
    assert page.request.get(f"{short_lived.address}/api/notifications").status == 401


def test_a_touch_is_told_once_a_minute(page: Page) -> None:
    told: list[str] = []
    page.route(
        "http://backlot.test/", lambda route: route.fulfill(body="<button>Here</button>", content_type="text/html")
    )
    page.route("**/api/session/use", lambda route: (told.append(route.request.method), route.fulfill(status=204)))
    page.clock.install()
    page.goto("http://backlot.test/")
    page.add_script_tag(content=(FOLDER / "presence_engine.js").read_text(), type="module")
    page.wait_for_function("() => Boolean(window.backlotPresence)")
    button = page.get_by_role("button")
    for minute in range(1, 4):
        page.clock.fast_forward(61_000)
        button.click()
        button.press("a")
        page.evaluate("() => fetch('/').then(() => 0)")  # what was sent before it has arrived
        assert told == ["POST"] * minute
    page.clock.fast_forward(600_000)
    page.evaluate("() => fetch('/').then(() => 0)")
    assert len(told) == 3  # time alone tells nothing
