"""The whole stack on a fresh home, and a real Chromium in front of it."""

from __future__ import annotations

import functools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from console import configuration
from services.bootstrap import Services, build
from services.model import JobKind, JobState, Role, User
from services.settings import Settings
from tests import browser as chromium
from tests.e2e.crawl import pages
from tests.web.conftest import free_port, page_server

__all__ = ["page_server", "pages"]

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample" / "sample.mp4"
PASSWORD = "a quiet morning walk"
PART = 1024 * 1024  # bytes: small, so that small films are sent in several
START_SECONDS = 120.0
STOP_SECONDS = 30.0
PIPELINE_SECONDS = 240.0
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
)


@dataclass(frozen=True, kw_only=True)
class Processed:
    """The sample with all that the pipeline makes of it, and the creator whose it is. Leave it as it is."""

    user: User
    video_id: UUID


@dataclass(frozen=True, kw_only=True)
class RunningStack:
    """address has no slash at its end; password is the first admin's, for one time."""

    address: str
    password: str
    home: Path
    services: Services

    def person(self, role: Role = Role.CREATOR) -> User:
        """Somebody new who has chosen a password."""
        accounts, name = self.services.accounts, f"person-{uuid4().hex[:8]}"
        one_time = accounts.create_user(name, role)
        accounts.change_password(accounts.find(name), one_time, PASSWORD)
        return accounts.find(name)

    def sign_in(self, context: BrowserContext, user: User) -> None:
        """Gives the browser a session of this user, as the ticket of a verified sign-in would."""
        token, _ = self.services.sessions.exchange(
            self.services.sessions.issue_ticket(user), address="127.0.0.1", user_agent="test"
        )
        context.add_cookies([{"name": "backlot_session", "value": token, "url": self.address, "httpOnly": True}])


@contextmanager
def running(home: Path, **settings: str) -> Iterator[RunningStack]:
    """The stack on an empty home, with these settings beside those of the tests."""
    log = home / "up.log"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BACKLOT_", "DATABASE_URL", "REDIS_URL"))
    }
    environment |= {
        "BACKLOT_HOME": str(home),
        "BACKLOT_PORT": str(free_port()),
        "BACKLOT_MEDIA_WORKERS": "1",
        "BACKLOT_UPLOAD_PART_SIZE": str(PART),
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "up"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (ready := re.search(r"Backlot is ready: (\S+)", log.read_text(errors="replace"))):
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline, "the stack did not start"
            time.sleep(0.2)
        told = re.search(r"admin with the one-time password (\S+)", log.read_text(errors="replace"))
        assert told is not None
        chosen = {name.removeprefix("BACKLOT_").lower(): value for name, value in settings.items()}
        services = build(configuration.connected(Settings(_env_file=None, home=home, **chosen)))
        try:
            yield RunningStack(address=ready[1], password=told[1], home=home, services=services)
        finally:
            services.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=STOP_SECONDS)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running(tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture(scope="package")
def processed(stack: RunningStack) -> Processed:
    """One run of the pipeline that all journeys share."""
    user = stack.person()
    with ThreadPoolExecutor(1) as outside:  # Playwright may run a loop in this thread, and so does the upload
        accept = functools.partial(stack.services.uploads.accept_file, title="The sample talk", kind=JobKind.PIPELINE)
        accepted = outside.submit(accept, user, SAMPLE).result()
    deadline = time.monotonic() + PIPELINE_SECONDS
    while (job := stack.services.operations.job(user, accepted.job_id)).state is not JobState.SUCCEEDED:
        assert job.state not in {JobState.FAILED, JobState.CANCELLED}, job.message
        assert time.monotonic() < deadline, f"the pipeline stands at {job.percent:.0f} %: {job.message}"
        time.sleep(0.5)
    return Processed(user=user, video_id=accepted.video_id)


@pytest.fixture(scope="package")
def chromium_browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        pytest.fail("There is no Chromium: run the tests with `make test`, which brings one.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def context(chromium_browser: Browser) -> Iterator[BrowserContext]:
    made = chromium_browser.new_context(viewport={"width": 1280, "height": 900})
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    made = context.new_page()
    made.set_default_timeout(30_000)
    return made


def settled(page: Page) -> None:
    """Waits until Streamlit's script has ended."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"
    )
