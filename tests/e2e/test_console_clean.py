"""What the browser says about the pages: nothing. And what the policy of the pages refuses: what is not ours."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page

from console.gate import page_policy
from tests.e2e.conftest import settled
from tests.e2e.crawl import Found
from tests.web.fake_server import VALID

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

# The arithmetic of Streamlit's messages asks for WebAssembly, hears no, and goes on without it (its long.js).
ASKED_ONCE = re.compile(r"^script-src wasm-eval \S+/static/js/protobuf\.\w+\.js$")
# With a store away a route says so; that an answer was no success is what a browser itself writes down.
SAID_BY_THE_BROWSER = "error: Failed to load resource: the server responded with a status of 503"


def test_the_console_stays_empty(pages: list[Found]) -> None:
    said = [
        f"{page.name}: {one}"
        for page in pages
        for one in page.console
        if not (page.name.endswith(" broken") and one.startswith(SAID_BY_THE_BROWSER))
    ]
    assert not said, "\n".join(["", *said])


def test_no_request_fails(pages: list[Found]) -> None:
    failed = [
        f"{page.name}: {one}"
        for page in pages
        for one in page.failed
        if not (page.name.endswith(" broken") and one.startswith("503 "))
    ]
    assert not failed, "\n".join(["", *failed])


def test_no_request_leaves_the_house(pages: list[Found]) -> None:
    assert not [f"{page.name}: {one}" for page in pages for one in page.foreign]


def test_the_policy_refuses_nothing_of_ours(pages: list[Found]) -> None:
    refused = [f"{page.name}: {one}" for page in pages for one in page.refused if not ASKED_ONCE.match(one)]
    assert not refused, "\n".join(["", *refused])
    assert {policy for page in pages for policy in page.policies} == {page_policy()}


def test_the_policy_is_this_and_no_more() -> None:
    policy = re.sub(r"'sha256-[\w+/]{43}='", "HASH", page_policy())
    assert policy.split("; ") == [
        "default-src 'self'",
        "script-src 'self' HASH blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]


PLANTED = {
    "an inline script": "const it = document.createElement('script'); it.textContent = 'window.ran = 1';"
    " document.head.append(it);",
    "a handler in an attribute": "document.body.insertAdjacentHTML('beforeend',"
    ' \'<img src="data:," onerror="window.ran = 1">\');',
    "a script from elsewhere": "const it = document.createElement('script'); it.src = 'https://elsewhere.example/x.js';"
    " document.head.append(it);",
    "a frame": "const it = document.createElement('iframe'); it.src = 'https://elsewhere.example/';"
    " document.body.append(it);",
    "a request": "fetch('https://elsewhere.example/').catch(() => 0);",
    "a form": "document.body.insertAdjacentHTML('beforeend', '<form method=post action=https://elsewhere.example/>');"
    " document.forms[document.forms.length - 1].submit();",
}


def test_what_is_planted_is_refused(context: BrowserContext, page: Page, page_server: str) -> None:
    """On the real page with the real policy, as if a hole in the page had let it in."""
    context.add_cookies([{"name": "backlot_session", "value": VALID, "url": page_server}])
    ended: set[str | None] = set()
    page.on("requestfinished", lambda request: "elsewhere.example" in request.url and ended.add("finished"))
    page.on("requestfailed", lambda request: "elsewhere.example" in request.url and ended.add(request.failure))
    page.goto(page_server)
    settled(page)
    for kind, planted in PLANTED.items():
        refused = page.evaluate(
            "() => new Promise((resolve) => {"
            "  document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));"
            f"  setTimeout(() => resolve(''), 3000); {planted} }})"
        )
        assert refused, f"{kind} was let through"
    assert page.evaluate("window.ran") is None
    tried = "try { resolve(String(eval('1'))); } catch (error) { resolve(error.name); }"
    assert page.evaluate(f"() => new Promise((resolve) => setTimeout(() => {{ {tried} }}))") == "EvalError"
    assert ended <= {"csp"}
