"""The page of the HTTP API in a browser: it asks nobody else for anything, and works with a token that is typed in."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.seeds import VALID

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium_browser: Browser) -> Iterator[Page]:
    context = chromium_browser.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


def test_a_token_is_typed_in_and_an_operation_tried(page: Page, page_server: str) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{page_server}/api/v1/docs")
    expect(page.get_by_role("heading", name="Backlot")).to_be_visible()
    page.get_by_role("button", name="Authorize").click()
    page.locator(".auth-container input").fill(VALID)
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".auth-btn-wrapper .btn-done").click()
    page.locator("#operations-Me-me").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator("#operations-Me-me .live-responses-table .response-col_status").nth(1)).to_contain_text("200")
    expect(page.locator("#operations-Me-me .live-responses-table")).to_contain_text('"ana"')
    assert said == []
    assert [url for url in asked if not url.startswith((page_server, "data:", "blob:"))] == []


def test_its_scripts_are_files_of_ours_alone(page_server: str) -> None:
    def read(path: str) -> tuple[bytes, str, str]:
        with urllib.request.urlopen(f"{page_server}{path}", timeout=5) as answer:  # noqa: S310  our own http address
            return answer.read(), answer.headers["content-type"], answer.headers["content-security-policy"]

    html, _, policy = read("/api/v1/docs")
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert b"http:" not in html
    assert b"https:" not in html
    # Of addresses that begin with 127 it never asks a validator elsewhere: here nobody would see it.
    assert b"validatorUrl: null" in read("/app/static/api_docs.js")[0]
    for path in ("/app/static/api_docs.js", "/api/v1/docs/swagger-ui-bundle.js"):
        assert read(path)[1].startswith("text/javascript")
