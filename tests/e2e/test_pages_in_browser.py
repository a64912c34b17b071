"""What only a real browser shows: hostile names, a session that ends, a connection that breaks."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.conftest import settled
from tests.films import film_of
from tests.web.fake_server import HOSTILE, SECRET_TITLE, VALID

pytestmark = pytest.mark.browser


@pytest.fixture
def signed_in(context: BrowserContext, page: Page, page_server: str) -> Page:
    context.add_cookies([{"name": "backlot_session", "value": VALID, "url": page_server}])
    return page


def test_hostile_names_stay_text(signed_in: Page, page_server: str) -> None:
    page, seen = signed_in, []
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url.endswith("/x") and seen.append(request.url))
    page.goto(f"{page_server}/videos")
    page.get_by_text(HOSTILE, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    for tab, kind in (
        ("Transcript", "ol li p"),
        ("Analysis", ".summary p"),
        ("Thumbnails", "figure"),
        ("Clips", "article h2"),
    ):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(kind).first).to_contain_text("onerror=alert(1)>")
        assert page.locator("img[src=x]").count() == 0
    page.get_by_role("tab", name="Posts").click()
    shown = page.get_by_test_id("stAlert")
    expect(shown).to_contain_text("<img src=x onerror=alert(1)>")
    text = shown.inner_text().replace("\u2060", "")
    assert HOSTILE in text
    assert shown.locator("img, a, strong, .katex, span[style*=color]").count() == 0
    settled(page)
    assert seen == []


def sign_in(page: Page) -> None:
    page.get_by_label("Name").fill("ana")
    page.locator("input[type=password]").fill("a quiet morning walk")
    page.get_by_role("button", name="Sign in").click()


def test_a_session_that_ends_elsewhere_ends_an_open_page_by_itself(
    context: BrowserContext, page: Page, page_server: str
) -> None:
    page.goto(f"{page_server}/videos")
    sign_in(page)
    page.get_by_text("Launch teaser").click()
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
    other = context.new_page()
    other.goto(page_server)
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("Launch teaser")).to_have_count(0)


def test_what_is_being_written_outlives_the_session(context: BrowserContext, page: Page, page_server: str) -> None:
    page.goto(f"{page_server}/videos")
    sign_in(page)
    page.get_by_text("Launch teaser").click()
    page.get_by_role("button", name="Change the title").click()
    page.get_by_label("Title", exact=True).fill("Launch teaser, the long one")
    page.evaluate("window.wasHere = true")
    other = context.new_page()
    other.goto(page_server)
    other.get_by_role("button", name="Sign out").click()
    again = page.get_by_role("link", name="Sign in in a new tab")
    expect(again).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Not saved: ")).to_be_visible()
    page.wait_for_timeout(4000)  # longer than between two looks whether anything is left to lose
    assert page.evaluate("window.wasHere")
    with context.expect_page() as opened:
        again.click()
    sign_in(opened.value)
    expect(opened.value.get_by_role("heading", name="Home", level=1)).to_be_visible()
    expect(page.get_by_label("Title", exact=True)).to_have_value("Launch teaser, the long one")
    page.get_by_role("button", name="Save").click()
    page.wait_for_function("() => !window.wasHere")
    expect(page.get_by_role("heading", name="Launch teaser", level=1)).to_be_visible()
    expect(again).to_have_count(0)


def test_a_cut_upload_goes_on_by_itself(signed_in: Page, page_server: str, tmp_path: Path) -> None:
    page, sent = signed_in, []
    video = tmp_path / "long talk.mp4"
    video.write_bytes(film_of(bytes(range(256)) * 4096 * 3)[: 3 * 1024 * 1024])

    def cut_the_second(route: Route) -> None:
        sent.append(route.request.url.split("?")[1])
        if len(sent) == 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*?offset=*", cut_the_second)
    page.goto(f"{page_server}/upload")
    page.locator("input[type=file]").set_input_files(video)
    expect(page.locator("li[data-state=cut]")).to_be_visible()
    expect(page.locator("li[data-state=accepted]")).to_be_visible()
    assert sent == [f"offset={part * 1024 * 1024}" for part in (0, 1, 1, 2)]


def test_an_empty_file_is_refused_in_words(signed_in: Page, page_server: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    signed_in.goto(f"{page_server}/upload")
    signed_in.locator("input[type=file]").set_input_files(empty)
    expect(signed_in.locator("li[data-state=refused]")).to_contain_text("This file is empty")


def test_narrow_and_dark_nothing_is_cut_off(signed_in: Page, page_server: str) -> None:
    page = signed_in
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    for address in ("/", "/videos", "/upload"):
        page.goto(page_server + address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.goto(f"{page_server}/videos")
    page.get_by_text(SECRET_TITLE).click()
    for tab in ("Transcript", "Analysis", "Thumbnails", "Clips"):
        page.get_by_role("tab", name=tab).click()
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
