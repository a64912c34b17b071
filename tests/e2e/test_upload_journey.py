"""Sending files by hand: several at once, cut, paused, on another page, in another tab, and known again."""

from __future__ import annotations

import hashlib
import os
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect
from sqlalchemy import text

from bench.footage import tiny
from services.library import Query
from services.model import User
from services.records.videos import VideoRow
from tests.e2e.conftest import PART, PASSWORD, RunningStack

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny(tmp_path_factory.mktemp("seed") / "tiny.mp4").read_bytes()


class Line:
    """What goes from a tab to the server: each part by the size of its file, and those that do not get through."""

    def __init__(self, page: Page, stack: RunningStack) -> None:
        self.offsets: dict[int, list[int]] = defaultdict(list)
        self._held: list[Route] = []
        self._broken: set[tuple[int, int]] = set()
        self._cut: set[tuple[int, int]] = set()
        self._kept_back: set[tuple[int, int]] = set()
        self._stack = stack
        page.route("**/api/v1/uploads/*?offset=*", self._carry)

    def cut(self, size: int, *, at: int) -> None:
        """Break the connection once, under the part that begins at this byte; keep back the one that follows."""
        self._cut.add((size, at))
        self._kept_back.add((size, at))

    def break_at(self, size: int, *, at: int) -> None:
        """Break the connection under the part that begins at this byte, each time."""
        self._broken.add((size, at))

    def keep_back(self, size: int, *, at: int) -> None:
        """Let the part that begins at this byte wait until it is released."""
        self._kept_back.add((size, at))

    def release(self) -> None:
        self._kept_back.clear()
        while self._held:
            self._held.pop().continue_()

    def _carry(self, route: Route) -> None:
        address, _, offset = route.request.url.partition("?offset=")
        with self._stack.services.database.transaction() as connection:
            size: int = connection.execute(
                text("select size_bytes from uploads where id = :id"), {"id": address.rsplit("/", 1)[-1]}
            ).scalar_one()
        part = (size, int(offset))
        self.offsets[size].append(int(offset))
        if part in self._broken:
            route.abort("connectionreset")
        elif part in self._cut:
            self._cut.discard(part)
            route.abort("connectionreset")
        elif part in self._kept_back:
            self._held.append(route)
        else:
            route.continue_()


@dataclass(kw_only=True)
class Sender:
    """Somebody with a tab of their own, and what they send."""

    stack: RunningStack
    context: BrowserContext
    page: Page
    user: User
    seed: bytes
    folder: Path
    line: Line

    def film(self, name: str, size: int) -> Path:
        """A film of exactly this size that no other equals, and that is soon worked on."""
        path = self.folder / name
        padding = size - len(self.seed) - 8
        path.write_bytes(self.seed + struct.pack(">I4s", padding + 8, b"free") + os.urandom(padding))
        return path

    def open_upload(self) -> None:
        self.page.goto(f"{self.stack.address}/upload")
        expect(self.page.get_by_role("button", name="Choose files")).to_be_visible()

    def choose(self, *files: Path) -> None:
        self.page.locator("input[type=file]").set_input_files(files)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def go_to(self, page: str) -> None:
        """By the links of the product, not by an address: nothing is loaded anew."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=page).click()
        expect(self.page.get_by_role("heading", name=page, level=1)).to_be_visible()

    def row(self, name: str) -> Locator:
        return self.page.locator("li.file").filter(has=self.page.get_by_label(f"Title of {name}", exact=True))

    def expect_state(self, name: str, state: str) -> None:
        expect(self.row(name)).to_have_attribute("data-state", state)

    def videos(self) -> dict[str, VideoRow]:
        return {video.file_name: video for video in self.stack.services.library.search(self.user, Query()).rows}

    def end_session(self) -> None:
        """As an admin, or the clock, ends it."""
        (token,) = (each["value"] for each in self.context.cookies() if each["name"] == "backlot_session")
        sessions = self.stack.services.sessions
        sessions.revoke(sessions.verify(token))

    def is_kept_whole(self, path: Path) -> bool:
        """Whether what lies in the storage, and the hash in its row, are those of the file."""
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        services, video = self.stack.services, self.videos()[path.name]
        source = services.videos.get(self.user, video.id).file("source")
        assert source is not None
        with services.database.transaction() as connection:
            told = connection.execute(text("select sha256 from videos where id = :id"), {"id": video.id}).scalar_one()
        kept = hashlib.sha256(services.videos.open_file(self.user, source.id).path.read_bytes()).hexdigest()
        return told == sha256 == kept


@pytest.fixture
def sender(stack: RunningStack, context: BrowserContext, page: Page, seed: bytes, tmp_path: Path) -> Sender:
    user = stack.person()
    stack.sign_in(context, user)
    return Sender(
        stack=stack, context=context, page=page, user=user, seed=seed, folder=tmp_path, line=Line(page, stack)
    )


def test_three_files_one_of_them_cut_while_another_page_is_looked_at(sender: Sender) -> None:
    talk = sender.film("talk.mp4", 5 * PART)
    others = [sender.film("second.mp4", 2 * PART), sender.film("third.mp4", 2 * PART + 1)]
    sender.line.cut(5 * PART, at=3 * PART)
    sender.open_upload()
    sender.choose(talk, *others)
    expect(sender.page.locator("li.file")).to_have_count(3)
    sender.expect_state("talk.mp4", "cut")
    expect(sender.row("talk.mp4")).to_contain_text("60% of 5")
    expect(sender.row("talk.mp4").locator("img")).to_be_visible()  # a frame of it, drawn by the browser itself

    # What is written on the way is the video's from its first moment.
    sender.row("talk.mp4").get_by_label("Title of talk.mp4").fill("The talk of the spring")
    for word in ("keynote", "spring", "Keynote"):
        sender.row("talk.mp4").get_by_label("Add a tag to talk.mp4").fill(word)
        sender.row("talk.mp4").get_by_label("Add a tag to talk.mp4").press("Enter")

    sender.page.evaluate("window.wasHere = true")
    sender.go_to("Videos")
    strip = sender.page.get_by_role("region", name="Uploads")
    expect(strip).to_contain_text("talk.mp4")
    sender.line.release()
    expect(strip).to_be_hidden()
    assert sender.page.evaluate("window.wasHere")
    assert sender.line.offsets[5 * PART] == [part * PART for part in (0, 1, 2, 3, 3, 4)]
    for path in (talk, *others):
        assert sender.is_kept_whole(path)
    video = sender.videos()["talk.mp4"]
    assert (video.title, video.tags) == ("The talk of the spring", ("keynote", "spring"))

    # Back on the page the files are still there, with what became of them.
    sender.go_to("Upload")
    link = sender.row("talk.mp4").get_by_role("link", name="Open video")
    expect(link).to_have_attribute("href", f"/video?id={video.id}")
    link.click()
    expect(sender.page.get_by_role("heading", name="The talk of the spring", level=1)).to_be_visible()


def test_paused_signed_out_and_on_again(sender: Sender) -> None:
    talk = sender.film("talk.mp4", 3 * PART)
    sender.line.keep_back(3 * PART, at=PART)
    sender.open_upload()
    sender.choose(talk)
    expect(sender.row("talk.mp4")).to_contain_text("33% of 3")
    sender.press("Pause talk.mp4")
    sender.expect_state("talk.mp4", "paused")
    sender.line.release()
    sender.page.wait_for_timeout(1_500)
    assert sender.line.offsets[3 * PART] == [0, PART]

    sender.page.evaluate("window.wasHere = true")
    sender.end_session()
    sign_in = sender.page.get_by_role("link", name="Sign in in a new tab")
    expect(sign_in).to_be_visible()
    sender.press("Resume talk.mp4")
    sender.expect_state("talk.mp4", "signed_out")
    expect(sender.row("talk.mp4")).to_contain_text("Sign in again: it goes on by itself")
    sender.page.wait_for_timeout(4_000)  # longer than between two looks whether anything is left to lose
    assert sender.page.evaluate("window.wasHere")
    with sender.context.expect_page() as opened:
        sign_in.click()
    elsewhere = opened.value
    elsewhere.get_by_label("Name").fill(sender.user.name)
    elsewhere.locator("input[type=password]").fill(PASSWORD)
    elsewhere.get_by_role("button", name="Sign in").click()
    expect(elsewhere.get_by_role("heading", name="Home", level=1)).to_be_visible()

    # Once nothing is left to lose the first tab is signed in too, by itself.
    sender.page.wait_for_function("() => !window.wasHere", timeout=PATIENCE_MS)
    expect(sender.page.get_by_role("heading", name="Upload", level=1)).to_be_visible()
    expect(sign_in).to_have_count(0)
    assert sender.line.offsets[3 * PART] == [0, PART, PART, 2 * PART]
    assert sender.is_kept_whole(talk)


def test_what_is_paused_at_its_end_is_no_duplicate_of_itself(sender: Sender) -> None:
    talk = sender.film("talk.mp4", 2 * PART)
    taken: list[int] = []

    def take_without_an_answer(route: Route) -> None:
        taken.append(route.fetch().status)

    sender.page.route("**/complete", take_without_an_answer)
    sender.open_upload()
    sender.choose(talk)
    expect(sender.row("talk.mp4")).to_contain_text("Checking the file…")
    while not taken:
        sender.page.wait_for_timeout(50)
    assert taken == [201]
    sender.press("Pause talk.mp4")
    sender.expect_state("talk.mp4", "paused")
    sender.page.unroute("**/complete")
    sender.press("Resume talk.mp4")
    sender.expect_state("talk.mp4", "accepted")
    assert sender.line.offsets[2 * PART] == [0, PART]
    assert set(sender.videos()) == {"talk.mp4"}

    # What is written while nothing gets through is saved once it does, without another key.
    edits = "**/api/videos/*/edits/title"
    sender.page.route(edits, lambda route: route.abort("connectionreset"))
    sender.row("talk.mp4").get_by_label("Title of talk.mp4").fill("Written while away")
    expect(sender.row("talk.mp4")).to_contain_text("What you wrote is not saved yet.")
    assert sender.videos()["talk.mp4"].title == "talk"
    sender.page.unroute(edits)
    expect(sender.row("talk.mp4")).not_to_contain_text("What you wrote is not saved yet.")
    assert sender.videos()["talk.mp4"].title == "Written while away"


def test_the_same_content_is_offered_and_what_is_no_film_is_turned_away(sender: Sender) -> None:
    talk = sender.film("talk.mp4", 2 * PART)
    copy = sender.folder / "copy of the talk.mp4"
    copy.write_bytes(talk.read_bytes())
    document = sender.folder / "film.mp4"
    document.write_bytes(b"%PDF-1.7\n" + os.urandom(3 * PART))
    sender.open_upload()
    sender.choose(talk)
    sender.expect_state("talk.mp4", "accepted")
    sender.choose(copy, document)
    sender.expect_state(copy.name, "duplicate")
    expect(sender.row(copy.name)).to_contain_text("You have this video already: “talk”")
    video = sender.videos()["talk.mp4"]
    expect(sender.row(copy.name).get_by_role("link", name="Open it")).to_have_attribute("href", f"/video?id={video.id}")
    sender.expect_state(document.name, "refused")
    expect(sender.row(document.name)).to_contain_text("This is a PDF document. Please choose a video")
    assert sender.line.offsets[document.stat().st_size] == [0]
    assert sender.line.offsets[2 * PART] == [0, PART]
    assert set(sender.videos()) == {"talk.mp4"}

    sender.press(f"Upload anyway {copy.name}")
    sender.expect_state(copy.name, "accepted")
    assert sender.is_kept_whole(copy)


def test_a_tab_that_was_closed_is_gone_on_with_in_the_next(sender: Sender) -> None:
    talk = sender.film("talk.mp4", 5 * PART)
    sender.line.break_at(5 * PART, at=2 * PART)
    sender.open_upload()
    sender.choose(talk)
    expect(sender.row("talk.mp4")).to_contain_text("40% of 5")
    with sender.page.expect_response(lambda response: response.request.method == "PATCH"):
        sender.row("talk.mp4").get_by_label("Title of talk.mp4").fill("Written before the lid was shut")
    sender.page.close()

    sender.page = sender.context.new_page()
    sender.line = Line(sender.page, sender.stack)
    sender.open_upload()
    stopped = sender.page.locator("[data-unfinished='talk.mp4']")
    expect(stopped).to_contain_text("stands at 40% of 5")
    sender.choose(talk)
    sender.expect_state("talk.mp4", "accepted")
    expect(stopped).to_have_count(0)
    assert sender.line.offsets[5 * PART] == [2 * PART, 3 * PART, 4 * PART]
    assert sender.is_kept_whole(talk)
    assert sender.videos()["talk.mp4"].title == "Written before the lid was shut"
