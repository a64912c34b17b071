"""A person's browser: a real Chromium, signed in with name and password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.browser import bring

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
TIMEOUT_MS = 30_000


@contextmanager
def signed_in(address: str, *, name: str, password: str) -> Iterator[Page]:
    """A tab with the list of videos."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=bring(), args=list(ARGUMENTS))
        try:
            page = chromium.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(TIMEOUT_MS)
            page.goto(f"{address}/videos")
            page.get_by_label("Name").fill(name)
            page.locator("input[type=password]").fill(password)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("heading", name="Videos", level=1).wait_for()
            settle(page)
            yield page
        finally:
            chromium.close()


def settle(page: Page) -> None:
    """Wait until Streamlit's script has ended."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"
    )
