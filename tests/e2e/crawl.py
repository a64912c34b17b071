"""Every page visited once, looked at in both themes and at two widths, with all that it said and asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from tests.pictures import HEIGHT, LEAST_HEIGHT, SHOTS, THEMES, WIDTHS, Shot, settle
from tests.web.seeds import SEEDS
from tests.web.serving import serving

LOOKING = Path(__file__).with_name("looking.js").read_text(encoding="utf-8")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
LEAST_CONTRAST = 4.5
MOST_STOPS = 400
MOST_HEIGHT = 6000
ORDINARY = {"log", "info", "debug", "verbose"}
LISTEN = """
  window.refusedByPolicy = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.refusedByPolicy.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile ?? ""}`));
"""


@dataclass(kw_only=True)
class Found:
    """What was found on one page; each line names theme and width where they matter."""

    name: str
    console: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    policies: set[str] = field(default_factory=set)
    rules: list[tuple[str, Any, str]] = field(default_factory=list)
    passed: int = 0
    texts: int = 0
    pale: list[str] = field(default_factory=list)
    pressable: int = 0
    unreachable: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)


def listen(page: Page, address: str, found: Found) -> None:
    """Notes from now on what the page says, which requests fail, and which leave the own origin."""
    origin = urlsplit(address).netloc

    def ask(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != origin:
            found.foreign.append(url)

    def hear(got: Any) -> None:
        if got.status >= 400:
            found.failed.append(f"{got.status} {got.url}")
        if got.request.is_navigation_request():
            found.policies.add(got.headers.get("content-security-policy", ""))

    page.add_init_script(LISTEN)
    page.on("console", lambda said: said.type in ORDINARY or found.console.append(f"{said.type}: {said.text[:300]}"))
    page.on("pageerror", lambda error: found.console.append(f"uncaught: {str(error)[:300]}"))
    page.on("request", lambda request: ask(request.url))
    page.on("websocket", lambda socket: ask(socket.url))
    page.on("response", hear)
    # A film that is not wanted any more, or a stream of a page that is left, is given up by the browser itself.
    page.on(
        "requestfailed",
        lambda gone: gone.failure == "net::ERR_ABORTED" or found.failed.append(f"{gone.failure} {gone.url}"),
    )


def looking(page: Page, call: str) -> Any:
    """What a function of looking.js answers."""
    return page.evaluate(f"(() => {{ window.looking ??= {LOOKING}; return window.looking.{call}; }})()")


def paint(page: Page, theme: str) -> None:
    """The page in this theme, once all of it has followed."""
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.wait_for_function(f"() => {{ window.looking ??= {LOOKING}; return window.looking.themed('{theme}'); }}")
    page.wait_for_timeout(100)


def grow(page: Page, width: int) -> None:
    """A window as high as the page, so that all of it is painted."""
    page.set_viewport_size({"width": width, "height": LEAST_HEIGHT})
    page.wait_for_timeout(300)
    height = max(LEAST_HEIGHT, min(MOST_HEIGHT, int(page.evaluate(HEIGHT))))
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(300)


def look_at(page: Page, found: Found, theme: str, width: int) -> None:
    """The rules of axe and the contrast of every text, as the page is now."""
    page.evaluate(AXE)
    told = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    found.passed += len(told["passes"])
    found.rules += [
        (f"{theme} {width} {rule['id']}", node["target"], node["html"][:120])
        for rule in told["violations"]
        for node in rule["nodes"]
    ]
    seen = looking(page, f"pale({LEAST_CONTRAST})")
    found.texts += seen["looked"]
    found.pale += [f"{theme} {width}: {one}" for one in seen["pale"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.too_wide.append(f"{theme} {width}")


def walked(page: Page, key: str, most: int) -> Iterator[dict[str, Any]]:
    """Where the focus is after each press of the key, until it comes to where it began."""
    first: str | None = None
    for _ in range(most):
        page.keyboard.press(key)
        stop = looking(page, "here()")
        if stop is None:
            continue
        if not stop["visible"]:  # Streamlit draws some of it a frame later
            page.wait_for_timeout(60)
            stop = looking(page, "here()") or stop
        if stop["visited"] == first:
            return
        first = first or stop["visited"]
        yield stop


def walk(page: Page, found: Found) -> None:
    """Looks for what a mouse can press and a keyboard cannot, and where the focus cannot be seen."""
    pressable: list[str] = looking(page, "pressable()")
    found.pressable = len(pressable)
    reached: set[str] = set()
    unseen: set[str] = set()
    for stop in walked(page, "Tab", MOST_STOPS):
        reached |= set(stop["marks"])
        if not stop["visible"]:
            unseen.add(f"no ring: {stop['path']}")
    for key in ("ArrowRight", "ArrowDown"):
        for mark in (str(number) for number in range(len(pressable))):
            if mark not in reached and (members := looking(page, f"enter('{mark}')")) is not None:
                for _ in range(members):
                    page.keyboard.press(key)
                    reached |= set((looking(page, "here()") or {"marks": []})["marks"])
    found.unreachable += [
        f"not by keyboard: {one}" for number, one in enumerate(pressable) if str(number) not in reached
    ]
    found.unreachable += sorted(unseen)


def visited(page: Page, address: str, shot: Shot, found: Found) -> None:
    """One page: opened, looked at in each theme and width, and walked through by keyboard."""
    page.emulate_media(color_scheme=THEMES[0], reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_viewport_size({"width": WIDTHS[0], "height": LEAST_HEIGHT})
    page.goto(address + shot.address)
    settle(page)
    if shot.tab:
        page.get_by_role("tab", name=shot.tab).click()
        settle(page)
    for width in WIDTHS:
        grow(page, width)
        for theme in THEMES:
            paint(page, theme)
            look_at(page, found, theme, width)
    page.set_viewport_size({"width": WIDTHS[0], "height": LEAST_HEIGHT})
    page.wait_for_timeout(300)
    walk(page, found)
    found.refused.extend(page.evaluate("window.refusedByPolicy"))


def crawl(browser: Browser, address: str, seed: str) -> Iterator[Found]:
    """The pages of a seed, each in a tab of its own."""
    for token in dict.fromkeys(shot.token for shot in SHOTS[seed]):
        context = browser.new_context()
        if token is not None:
            context.add_cookies([{"name": "backlot_session", "value": token, "url": address, "httpOnly": True}])
        for shot in SHOTS[seed]:
            if shot.token == token:
                page, found = context.new_page(), Found(name=f"{shot.name} {seed}")
                page.set_default_timeout(20_000)
                listen(page, address, found)
                visited(page, address, shot, found)
                page.close()
                yield found
        context.close()


@pytest.fixture(scope="package", params=sorted(SEEDS))
def pages(request: pytest.FixtureRequest, chromium_browser: Browser) -> list[Found]:
    """Every page of one seed as it was found; a crawl takes a minute, so it is shared by all tests of the pages."""
    with serving(str(request.param)) as address:
        return list(crawl(chromium_browser, address, str(request.param)))
