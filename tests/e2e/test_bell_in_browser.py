"""The bell, its toasts and the keys in a real browser; what the server answers is said by the test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.conftest import settled
from tests.web.fake_server import VALID

pytestmark = pytest.mark.browser

# Stands for a permission that was given, in a tab that nobody looks at.
HIDDEN = """
  window.told = [];
  window.Notification = class { constructor(title, more) { window.told.push([title, more.body]); } };
  window.Notification.permission = "granted";
  Object.defineProperty(document, "hidden", { get: () => window.isHidden ?? false });
"""

# Stands for Chrome on Android, whose pages have the permission and may not tell.
UNABLE = """
  window.Notification = class { constructor() { window.tried = true; throw new TypeError("Illegal constructor"); } };
  window.Notification.permission = "granted";
  Object.defineProperty(document, "hidden", { get: () => window.isHidden ?? false });
"""

# Stands for a browser that has not been asked yet, and a person who says yes.
ASKING = """
  window.asked = 0;
  window.Notification = class {
    static permission = "default";
    static async requestPermission() { window.asked += 1; this.permission = "granted"; return this.permission; }
  };
"""


class Inbox:
    """What the server has for the bell; answers in the place of its two addresses."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.reads = 0

    def add(self, title: str, *, outcome: str = "succeeded", text: str = "3 clips · 5 posts") -> None:
        self.items.insert(
            0,
            {
                "id": len(self.items) + 1,
                "outcome": outcome,
                "video_id": f"00000000-0000-4000-8000-00000000000{len(self.items)}",
                "title": title,
                "text": text,
                "at": datetime.now(UTC).isoformat(),
                "read": False,
            },
        )

    def answer(self, route: Route) -> None:
        if route.request.method == "POST":
            self.asked.append(json.loads(route.request.post_data or "{}"))
            for item in self.items:
                item["read"] = item["read"] or self.asked[-1].get("all", False) or item["id"] in self.asked[-1]["ids"]
        else:
            self.reads += 1
        unread = sum(not item["read"] for item in self.items)
        route.fulfill(json={"unread": unread, "items": self.items})


class Stream:
    """The live stream, in the place of the server's: many jobs that run, and that all end when the test says so."""

    def __init__(self) -> None:
        self._told = False
        self._held: list[Route] = []

    def answer(self, route: Route) -> None:
        if self._told:
            self._held.append(route)
        else:
            self._told = True
            self._send(route, "snapshot", [{"source": "live", "jobs": self._jobs("running")}])

    def end_all(self, page: Page) -> None:
        while not self._held:
            page.wait_for_timeout(50)
        self._send(self._held.pop(), "job", self._jobs("succeeded"))

    def _jobs(self, state: str) -> list[dict[str, Any]]:
        return [
            {
                "video_id": f"00000000-0000-4000-8000-0000000001{number}",
                "job_id": f"00000000-0000-4000-8000-0000000002{number}",
                "title": f"Talk {number}",
                "owner": "ana",
                "video_state": "processing",
                "job_state": state,
                "kind": "pipeline",
                "percent": 50.0,
                "message": "",
                "eta": None,
                "created_at": 1.0,
                "starts_at": 1.0,
                "as_of": 1.0,
                "stages": [],
            }
            for number in range(10, 60)
        ]

    def _send(self, route: Route, name: str, told: list[dict[str, Any]]) -> None:
        events = "".join(f"event: {name}\ndata: {json.dumps(each)}\n\n" for each in told)
        route.fulfill(content_type="text/event-stream", body=events)


@pytest.fixture
def inbox(context: BrowserContext, page_server: str) -> Iterator[Inbox]:
    made = Inbox()
    context.add_cookies([{"name": "backlot_session", "value": VALID, "url": page_server}])
    context.route("**/api/notifications**", made.answer)
    return made


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
    page.wait_for_function("() => Number.isFinite(window.backlotInbox?.loadedAt)")
    settled(page)
    return page


def hear(page: Page, *, leads: bool = True) -> None:
    """As when a job has ended while this tab was open."""
    page.evaluate("leads => window.backlotInbox.load(leads)", leads)


def test_unread_messages_are_counted_listed_and_ticked_off(page: Page, page_server: str, inbox: Inbox) -> None:
    inbox.add("Talk <b>one</b>")
    inbox.add("Talk two", outcome="failed", text="The file has no sound.")
    opened(page, page_server)
    expect(page).to_have_title("(2) Home · Backlot")
    expect(page.get_by_role("status").get_by_role("link")).to_have_count(0)  # nothing ended just now
    bell = page.get_by_role("button", name="Notifications, 2 unread")
    bell.click()
    dialog = page.get_by_role("dialog", name="Notifications")
    lines = dialog.get_by_role("link")
    expect(lines).to_have_count(2)
    expect(lines.nth(0)).to_contain_text("Failed · The file has no sound.")
    expect(lines.nth(1)).to_contain_text("Talk <b>one</b>")
    expect(lines.nth(1)).to_have_attribute("href", f"/video?id={inbox.items[1]['video_id']}")
    dialog.get_by_role("button", name="Mark all as read").click()
    expect(page).to_have_title("Home · Backlot")
    assert inbox.asked == [{"all": True}]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_focused()


def test_the_bell_is_in_reach_on_a_phone_and_over_nothing(page: Page, page_server: str, inbox: Inbox) -> None:
    inbox.add("Talk one")
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, page_server)
    page.get_by_role("button", name="Notifications, 1 unread").click()
    dialog = page.get_by_role("dialog", name="Notifications")
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.mouse.click(195, 800)
    expect(dialog).to_be_hidden()


def test_what_ends_meanwhile_is_a_toast_that_goes_unless_it_is_read(page: Page, page_server: str, inbox: Inbox) -> None:
    page.clock.install()
    opened(page, page_server)
    inbox.add("Talk one")
    hear(page)
    toasts = page.get_by_role("status").get_by_role("link")
    expect(toasts).to_have_text(["Talk one"])
    toasts.hover()
    page.clock.run_for(20_000)
    expect(toasts).to_have_count(1)
    page.mouse.move(10, 10)
    page.clock.run_for(5500)
    expect(toasts).to_have_count(1)
    page.clock.run_for(1000)
    expect(toasts).to_have_count(0)
    for number in range(5):
        inbox.add(f"Talk {number}")
    hear(page)
    expect(toasts).to_have_text(["Talk 2", "Talk 3", "Talk 4"])  # the bell has the rest
    page.get_by_role("button", name="Dismiss").first.click()
    expect(toasts).to_have_text(["Talk 3", "Talk 4"])
    hear(page)
    expect(toasts).to_have_count(2)  # each once


def test_the_browser_tells_when_no_tab_is_in_front(
    context: BrowserContext, page: Page, page_server: str, inbox: Inbox
) -> None:
    context.add_init_script(HIDDEN)
    opened(page, page_server)
    other = opened(context.new_page(), page_server)

    def told(*, hidden: tuple[bool, bool], leads: bool = True) -> list[list[str]]:
        """What the first tab says of one more message."""
        for tab, is_hidden in zip((page, other), hidden, strict=True):
            tab.evaluate("isHidden => { window.isHidden = isHidden; window.told = []; }", is_hidden)
        inbox.add(f"Talk {len(inbox.items)}")
        hear(page, leads=leads)
        page.wait_for_timeout(700)
        return list(page.evaluate("window.told"))

    assert told(hidden=(False, True)) == []
    assert told(hidden=(True, False)) == []
    assert told(hidden=(True, True), leads=False) == []
    assert told(hidden=(True, True)) == [["Ready: Talk 3", "3 clips · 5 posts"]]


def test_what_ends_together_is_asked_for_once_in_all_tabs(
    context: BrowserContext, page: Page, page_server: str, inbox: Inbox
) -> None:
    stream = Stream()
    context.route("**/api/live**", stream.answer)
    pages = [opened(page, page_server), opened(context.new_page(), page_server)]
    for tab in pages:
        tab.wait_for_function("() => window.backlotLive.videos().length === 50")
    before = inbox.reads
    inbox.add("Talk one")
    stream.end_all(page)
    for tab in pages:
        expect(tab.get_by_role("status").get_by_role("link", name="Talk one")).to_be_visible()
    page.wait_for_timeout(1500)
    assert inbox.reads == before + 1


def test_a_browser_that_lets_no_page_tell_is_not_counted_on(page: Page, page_server: str, inbox: Inbox) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.add_init_script(UNABLE)
    opened(page, page_server)
    page.evaluate("window.isHidden = true")
    inbox.add("Talk one")
    hear(page)
    page.wait_for_function("() => window.tried")
    page.evaluate("window.isHidden = false")
    page.get_by_role("button", name="Notifications, 1 unread").click()
    expect(page.get_by_text("Your browser tells you too")).to_have_count(0)
    assert problems == []


def test_it_is_asked_for_only_on_a_click(page: Page, page_server: str, inbox: Inbox) -> None:
    page.add_init_script(ASKING)
    opened(page, page_server)
    page.get_by_role("button", name="Notifications", exact=True).click()
    assert page.evaluate("window.asked") == 0
    page.get_by_role("button", name="Tell me in the browser too").click()
    assert page.evaluate("window.asked") == 1
    expect(page.get_by_text("Your browser tells you too")).to_be_visible()
    expect(page.get_by_role("button", name="Tell me in the browser too")).to_have_count(0)


def test_keys_lead_to_pages_and_not_while_somebody_writes(page: Page, page_server: str, inbox: Inbox) -> None:
    opened(page, page_server)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_contain_text("Videos")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.evaluate(
        "() => { const field = document.createElement('input'); document.body.append(field); field.focus(); }"
    )
    page.keyboard.type("gu?")
    settled(page)
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
    expect(dialog).to_be_hidden()
    page.evaluate("document.activeElement.remove()")
    page.keyboard.type("gu")
    expect(page.get_by_role("heading", name="Upload", level=1)).to_be_visible()
    page.keyboard.type("gh")
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
    assert page.url.rstrip("/") == page_server
