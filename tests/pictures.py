"""Pictures of every page, for docs/ and for whoever changes how they look: `python -m tests.pictures [FOLDER]`.

Each page in both themes and at two widths, with nothing in the house, with a team at work, and with the stores away.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from services.model import Role
from tests.browser import bring
from tests.web.seeds import OF_ROLE, OLD_RESET, ONE_TIME, RESET, SEEDS, VALID, video_id
from tests.web.serving import ROOT, serving

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
WIDTHS = (1440, 390)
THEMES = ("light", "dark")
LEAST_HEIGHT, MOST_HEIGHT = 900, 2400
COLOURS = 128

SETTLED = (
    "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"
    " && !document.querySelector('[data-testid=stSkeleton]')"
)
PICTURES_THERE = """() => {
  const all = (root) => [...root.querySelectorAll('*')]
    .flatMap((one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
  return all(document).every((one) => !(one instanceof HTMLImageElement) || one.complete || one.loading === 'lazy');
}"""
HEIGHT = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return Math.max(...[...main.children].map((one) => one.scrollHeight), main.scrollHeight);
}"""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One page. title opens the video of that name; tab is pressed first; token None is nobody."""

    name: str
    path: str = "/"
    title: str | None = None
    tab: str | None = None
    token: str | None = VALID

    @property
    def address(self) -> str:
        return f"/video?id={video_id(self.title)}" if self.title else self.path


VIDEO = "Webinar: retrieval in production"
SHOTS: dict[str, tuple[Shot, ...]] = {
    "empty": (
        Shot(name="sign-in", token=None),
        Shot(name="choose-password", token=ONE_TIME),
        Shot(name="reset-link", path=f"/?reset={RESET}", token=None),
        Shot(name="reset-link-old", path=f"/?reset={OLD_RESET}", token=None),
        Shot(name="not-for-role", path="/users", token=OF_ROLE[Role.CREATOR]),
        Shot(name="account", path="/account", token=OF_ROLE[Role.ANALYST]),
        Shot(name="home"),
        Shot(name="videos", path="/videos"),
        Shot(name="upload", path="/upload"),
    ),
    "busy": (
        Shot(name="home"),
        Shot(name="videos", path="/videos"),
        Shot(name="upload", path="/upload"),
        Shot(name="account", path="/account"),
        Shot(name="users", path="/users"),
        Shot(name="user", path="/users?user=2"),
        Shot(name="video-processing", title="Launch teaser v3"),
        Shot(name="video-failed", title="Customer story: Nordlicht"),
        Shot(name="video-transcript", title=VIDEO, tab="Transcript"),
        Shot(name="video-analysis", title=VIDEO, tab="Analysis"),
        Shot(name="video-thumbnails", title=VIDEO, tab="Thumbnails"),
        Shot(name="video-clips", title=VIDEO, tab="Clips"),
        Shot(name="video-posts", title=VIDEO, tab="Posts"),
    ),
    "broken": (
        Shot(name="home"),
        Shot(name="videos", path="/videos"),
        Shot(name="upload", path="/upload"),
        Shot(name="account", path="/account"),
        Shot(name="users", path="/users"),
        Shot(name="video", title=VIDEO),
    ),
}


def settle(page: Page) -> None:
    """Waits until the script has ended, fonts and pictures are there, and nothing moves any more."""
    page.wait_for_function(SETTLED)
    page.evaluate("() => document.fonts.ready.then(() => undefined)")
    page.wait_for_function(PICTURES_THERE)
    page.wait_for_timeout(600)


def taken(browser: Browser, address: str, seed: str, theme: str, width: int) -> Iterator[tuple[str, bytes]]:
    """The pictures of one seed as PNG, each with its name."""
    for token in dict.fromkeys(shot.token for shot in SHOTS[seed]):
        context = browser.new_context(
            viewport={"width": width, "height": LEAST_HEIGHT},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            timezone_id="Europe/Berlin",
        )
        if token is not None:
            context.add_cookies([{"name": "backlot_session", "value": token, "url": address, "httpOnly": True}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        for shot in SHOTS[seed]:
            if shot.token != token:
                continue
            page.set_viewport_size({"width": width, "height": LEAST_HEIGHT})
            page.goto(address + shot.address)
            settle(page)
            if shot.tab:
                page.get_by_role("tab", name=shot.tab).click()
                settle(page)
            height = min(MOST_HEIGHT, max(LEAST_HEIGHT, int(page.evaluate(HEIGHT))))
            page.set_viewport_size({"width": width, "height": height})
            settle(page)
            yield f"{shot.name}-{seed}-{theme}-{width}", page.screenshot()
        context.close()


def small(png: bytes) -> bytes:
    """The picture in few colours, which pages do not miss."""
    with Image.open(io.BytesIO(png)) as picture:
        packed = io.BytesIO()
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def main() -> int:
    """Writes NAME-SEED-THEME-WIDTH.png for all, and removes pictures of pages that are gone."""
    parser = argparse.ArgumentParser(prog="tests.pictures", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--seed", choices=sorted(SEEDS), action="append", help="only these; nothing is removed then")
    parser.add_argument("--only", default="", help="only pictures whose name holds this; nothing is removed then")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    written: set[Path] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=bring(), args=list(ARGUMENTS))
        for seed in arguments.seed or SEEDS:
            with serving(seed) as address:
                for theme in THEMES:
                    for width in WIDTHS:
                        for name, png in taken(browser, address, seed, theme, width):
                            if arguments.only in name:
                                path = arguments.folder / f"{name}.png"
                                path.write_bytes(small(png))
                                written.add(path)
                                sys.stderr.write(f"{path.name}\n")
        browser.close()
    if not arguments.seed and not arguments.only:
        for old in set(arguments.folder.glob("*.png")) - written:
            old.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
