"""A ten-minute talk, watched in eight tabs of one browser from its place in the queue to its end."""

from __future__ import annotations

import functools
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from bench.footage import talk
from services import keys
from services.model import PLAN, JobKind, QueueName, Role, StageName, User
from services.outputs import ClipsOutput, ProbeOutput
from services.progress import StageProgress
from services.uploads import Accepted
from tests.e2e.conftest import RunningStack, settled
from tests.web.streaming import Stream

pytestmark = [pytest.mark.browser, pytest.mark.speech]

SECONDS = 600.0
TABS = 8
RUN_SECONDS = 600.0  # a talk takes about 100 s of two cores; others may be busy on them
MOST_AT_ONCE = 15.0  # points of the bar
TITLE = "Ten minutes on stage"

# Notes each different picture of the bar and its stages, as often as a person could see one.
WATCH = """
() => {
  window.seen = [];
  let root = null;
  const find = (within) => {
    for (const element of within.querySelectorAll('*')) {
      if (!element.shadowRoot) continue;
      if (element.shadowRoot.querySelector('.overall')) return element.shadowRoot;
      const deeper = find(element.shadowRoot);
      if (deeper) return deeper;
    }
    return null;
  };
  let last = '';
  setInterval(() => {
    if (!root?.host?.isConnected) root = find(document);
    if (!root) return;
    const now = {
      percent: parseFloat(root.querySelector('.bar > span').style.width),
      headline: root.querySelector('.headline').textContent,
      detail: root.querySelector('.detail').textContent,
      left: root.querySelector('.left').textContent,
      stages: Object.fromEntries([...root.querySelectorAll('li')].map(
        (step) => [step.dataset.stage, `${step.className} ${step.querySelector('.note').textContent}`])),
      top: root.querySelector('ol').offsetTop,
    };
    const text = JSON.stringify(now);
    if (text !== last) { last = text; window.seen.push(now); }
  }, 40);
}
"""
JOB_STATE = "(id) => window.backlotLive?.video(id)?.job_state ?? null"
STATE = "() => window.backlotLive?.state"
PERCENT = "(id) => window.backlotLive?.video(id)?.percent ?? null"


@dataclass
class Connections:
    """The streams that a browser holds open, each by the tab that reads it."""

    open: dict[Request, Page] = field(default_factory=dict)
    most: int = 0

    def watch(self, context: BrowserContext) -> None:
        context.on("request", self._began)
        context.on("requestfinished", self._ended)
        context.on("requestfailed", self._ended)

    def _began(self, request: Request) -> None:
        if "/api/live" in request.url:
            page = request.frame.page
            self.open[request] = page
            self.most = max(self.most, len(self.open))
            page.once("close", lambda _: self._ended(request))

    def _ended(self, request: Request) -> None:
        self.open.pop(request, None)

    def leader(self) -> Page:
        (page,) = self.open.values()
        return page


@contextmanager
def listening(stack: RunningStack) -> Iterator[list[StageProgress]]:
    """What workers tell over Redis while this is entered."""
    heard: list[StageProgress] = []
    stopped = threading.Event()
    subscription = stack.services.client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    subscription.subscribe(keys.progress())

    def listen() -> None:
        while not stopped.is_set():
            message = subscription.get_message(timeout=0.1)
            if message is not None:
                told = stack.services.progress.read(message["data"])
                heard.extend(one for one in told if isinstance(one, StageProgress))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        stopped.set()
        thread.join(5)
        subscription.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return talk(tmp_path_factory.mktemp("talk"), seconds=SECONDS)


@pytest.fixture
def admin(stack: RunningStack) -> User:
    return stack.person(Role.ADMIN)


def accepted(stack: RunningStack, user: User, film: Path, title: str) -> Accepted:
    """An upload of this user, on a thread of its own: Playwright's loop runs on this one."""
    with ThreadPoolExecutor(1) as thread:
        accept = functools.partial(stack.services.uploads.accept_file, title=title, kind=JobKind.PIPELINE)
        return thread.submit(accept, user, film).result()


def until(page: Page, holds: Callable[[], bool], what: str, *, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come within {within} s"
        page.wait_for_timeout(100)


@pytest.mark.timeout(900)
def test_eight_tabs_watch_a_talk_from_queue_to_end(
    stack: RunningStack, context: BrowserContext, admin: User, film: Path
) -> None:
    owner, stranger = stack.person(), stack.person()
    stack.sign_in(context, owner)
    connections = Connections()
    connections.watch(context)
    sessions = stack.services.sessions
    foreign_token, _ = sessions.exchange(sessions.issue_ticket(stranger), address="127.0.0.1", user_agent="test")

    stack.services.operations.pause(admin, QueueName.MEDIA, reason="The tabs are not open yet.")
    try:
        job = accepted(stack, owner, film, TITLE)
        pages = [context.new_page() for _ in range(TABS)]
        for page in pages:
            page.set_default_timeout(30_000)
            page.goto(f"{stack.address}/video?id={job.video_id}")
            settled(page)
        watcher = pages[-1]
        watcher.evaluate(WATCH)
        for page in pages:
            until(page, lambda page=page: page.evaluate(JOB_STATE, str(job.video_id)) == "queued", "the queued job")  # type: ignore[misc]
        until(watcher, lambda: bool(watcher.evaluate("window.seen.length")), "the bar")
        assert connections.most == len(connections.open) == 1
        assert connections.leader() is not watcher

        with listening(stack) as heard, Stream(stack.address, token=foreign_token) as foreign:
            foreign.wait_for(b"event: snapshot")
            stack.services.operations.resume(admin, QueueName.MEDIA)
            _hand_over(pages, connections, watcher, job.video_id)
            remaining = [page for page in pages if not page.is_closed()]
            assert len(remaining) == TABS - 1
            until(
                watcher,
                lambda: watcher.evaluate(JOB_STATE, str(job.video_id)) == "succeeded",
                "the end of the job",
                within=RUN_SECONDS,
            )
            for page in remaining:
                until(page, lambda page=page: page.evaluate(JOB_STATE, str(job.video_id)) == "succeeded", "its end")  # type: ignore[misc]
            assert len(connections.open) == 1
            own = accepted(stack, stranger, film, "Another's")
            foreign.wait_for(str(own.video_id).encode())
            stack.services.operations.cancel(stranger, own.job_id)
            for secret in (TITLE, job.video_id, job.job_id, owner.name):
                assert str(secret).encode() not in foreign.raw

        seen = watcher.evaluate("window.seen")
        _bar_is_honest(seen, stack, owner, job.video_id, heard)
        expect(watcher.get_by_text("Repurposed", exact=True)).to_be_visible(timeout=30_000)
        _all_leave_with_the_session(stack, context, remaining)
    finally:
        paused = [pause.queue for pause in stack.services.operations.pauses(admin)]
        if QueueName.MEDIA in paused:
            stack.services.operations.resume(admin, QueueName.MEDIA)


def _hand_over(pages: list[Page], connections: Connections, watcher: Page, video_id: UUID) -> None:
    """All tabs move together; then the one that reads the stream is closed, and another reads on."""

    def percents() -> list[float]:
        return [page.evaluate(PERCENT, str(video_id)) for page in pages if not page.is_closed()]

    until(watcher, lambda: min(percents()) > 4 and len(set(percents())) == 1, "all tabs at one percent", within=90)
    before = connections.leader()
    before.close()
    until(watcher, lambda: list(connections.open.values()) not in ([], [before]), "another tab that reads")
    at = min(percents())
    until(watcher, lambda: min(percents()) > at, "news after the change", within=60)


def _bar_is_honest(
    seen: list[dict[str, Any]], stack: RunningStack, owner: User, video_id: UUID, heard: list[StageProgress]
) -> None:
    percents = [picture["percent"] for picture in seen]
    assert percents == sorted(percents)
    assert percents[0] == 0
    assert percents[-1] == 100
    jumps = [later - sooner for sooner, later in itertools.pairwise(percents)]
    assert max(jumps) <= MOST_AT_ONCE, f"a jump of {max(jumps)} points in {percents}"
    assert len(set(percents)) > 15

    headlines = [picture["headline"] for picture in seen]
    assert headlines[0] == "Queued"
    assert any(re.fullmatch(r"Processing: \d+% complete…", headline) for headline in headlines)
    assert "Almost done…" in headlines
    assert headlines[-1] == "Done"
    states = {name: {picture["stages"][name].split()[0] for picture in seen} for name in PLAN}
    for name in (StageName.TRANSCRIBE, StageName.THUMBNAILS, StageName.CLIPS):
        assert states[name] >= {"waiting", "running", "succeeded"}, name
    assert all("succeeded" in states[name] for name in PLAN)
    assert any("left" in picture["left"] for picture in seen)
    assert len({picture["top"] for picture in seen if picture["headline"] != "Done"}) == 1  # below the bar

    detail = stack.services.videos.get(owner, video_id)
    probed, clips = detail.outputs[StageName.PROBE], detail.outputs[StageName.CLIPS]
    assert isinstance(probed, ProbeOutput)
    assert isinstance(clips, ClipsOutput)
    lengths = [clip.end - clip.start for clip in clips.clips]
    checked: dict[StageName, int] = {}
    for picture in seen:
        found = _stage_percent(picture["detail"], probed.duration, lengths)
        if found is None or not picture["stages"][found[0]].startswith("running"):
            continue
        name, expected = found
        shown = int(picture["stages"][name].split()[1].rstrip("%"))
        assert shown >= expected - 1.5, picture
        if name is not StageName.THUMBNAILS:  # a video may be looked at twice, and the bar waits the second time
            assert shown <= expected + 1.5, picture
        checked[name] = checked.get(name, 0) + 1
    assert checked[StageName.TRANSCRIBE] >= 4
    assert checked[StageName.CLIPS] >= 4
    for name in (StageName.TRANSCRIBE, StageName.CLIPS):  # what was told at once was shown, not only what was asked for
        told = {int(round(one.percent, 1)) for one in heard if one.stage is name and one.percent}
        notes = {picture["stages"][name].split()[1] for picture in seen if picture["stages"][name].startswith("run")}
        assert {f"{percent}%" for percent in told} <= notes


def _stage_percent(message: str, duration: float, lengths: list[float]) -> tuple[StageName, float] | None:
    """The percent of a stage from the audio or frame time that its message names."""
    if heard := re.fullmatch(r"Transcribing (\d+):(\d\d) of .*", message):
        return StageName.TRANSCRIBE, 100 * (60 * int(heard[1]) + int(heard[2])) / duration
    if looked := re.fullmatch(r"Generating thumbnails: looking at (\d+):(\d\d) of .*", message):
        return StageName.THUMBNAILS, 85 * (60 * int(looked[1]) + int(looked[2])) / duration
    if cut := re.fullmatch(r"Rendering clip (\d+) of \d+: (\d+)%", message):
        number = int(cut[1]) - 1
        return StageName.CLIPS, 100 * (sum(lengths[:number]) + lengths[number] * int(cut[2]) / 100) / sum(lengths)
    return None


def _all_leave_with_the_session(stack: RunningStack, context: BrowserContext, pages: list[Page]) -> None:
    (cookie,) = (cookie for cookie in context.cookies() if cookie["name"] == "backlot_session")
    session = stack.services.sessions.verify(cookie["value"])
    stack.services.sessions.revoke(session)
    for page in pages:
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=15_000)


def test_a_tab_that_is_frozen_or_does_not_answer_loses_the_stream(stack: RunningStack, context: BrowserContext) -> None:
    pages, connections = _tabs(stack, context, 2)
    until(pages[0], lambda: len(connections.open) == 1, "the stream")
    leader = connections.leader()
    (other,) = (page for page in pages if page is not leader)
    leader.evaluate("document.dispatchEvent(new Event('freeze'))")
    until(other, lambda: list(connections.open.values()) == [other], "the other tab that reads")
    leader.evaluate("document.dispatchEvent(new Event('resume'))")
    leader.wait_for_timeout(4000)  # longer than a tab waits for the answer of the one that leads
    assert list(connections.open.values()) == [other]
    other.evaluate("BroadcastChannel.prototype.postMessage = () => {}")
    leader.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # a person looks at it, and it asks
    until(leader, lambda: list(connections.open.values()) == [leader], "the first tab that reads again")
    assert leader.evaluate(STATE) == "live"


def test_without_locks_each_visible_tab_reads_for_itself(stack: RunningStack, context: BrowserContext) -> None:
    """As where the pages come over plain HTTP from another machine."""
    context.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })")
    pages, connections = _tabs(stack, context, 2)
    first, second = pages
    until(first, lambda: len(connections.open) == 2, "a stream for each")
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });"
    second.evaluate(hide + "document.dispatchEvent(new Event('visibilitychange')); }", True)
    until(first, lambda: list(connections.open.values()) == [first], "the end of the hidden tab's")
    second.evaluate(hide + "document.dispatchEvent(new Event('visibilitychange')); }", False)
    until(first, lambda: len(connections.open) == 2, "its stream again")
    until(second, lambda: second.evaluate(STATE) == "live", "the second tab, live again")


def _tabs(stack: RunningStack, context: BrowserContext, count: int) -> tuple[list[Page], Connections]:
    stack.sign_in(context, stack.person())
    connections = Connections()
    connections.watch(context)
    pages = [context.new_page() for _ in range(count)]
    for page in pages:
        page.goto(f"{stack.address}/videos")
        settled(page)
        until(page, lambda page=page: page.evaluate(STATE) == "live", "a live tab")  # type: ignore[misc]
    return pages, connections
