"""Each bad input, uploaded and run by a real worker: a plain message, an event, in time, and nothing else touched."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from services.errors import BadInput as Refusal
from services.model import JobState, StageName, StageState
from services.outputs import ProbeOutput
from tests.bad_inputs import BAD_INPUTS, BadInput, network_traps
from tests.integration.fleet import Fleet, children, eventually

SECONDS = 5.0
MEMORY = 10**9


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path_factory.mktemp("fleet"))
    fleet.start("media", virtual=False)
    yield fleet
    fleet.stop()


@pytest.fixture(scope="module")
def canary() -> Iterator[socket.socket]:
    """A listener that nobody may connect to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener


@pytest.fixture(autouse=True)
def open_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets everything in: what the worker answers must not rest on the look at the first bytes."""
    monkeypatch.setattr("services.receiving.why_not", lambda head: None)


class PeakMemory:
    """The most resident memory of a process tree while inside it, in bytes."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak = 0

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.03):
            total = 0
            for process in (self._process, *self._process.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, total)


def check(fleet: Fleet, bad: BadInput, film: Path) -> None:
    worker = fleet.workers[0]
    bad.make(film)
    with PeakMemory(worker.pid) as memory:
        job_id = fleet.submit_file(film)
        settled = (StageState.SUCCEEDED, StageState.FAILED)
        eventually(lambda: fleet.stage(job_id) in settled, 3 * SECONDS, "the end of the probe")
        if fleet.state(job_id) is not JobState.FAILED:
            fleet.services.operations.cancel(fleet.user, job_id)
    view = fleet.services.operations.job(fleet.user, job_id)
    probe = view.stages[0]
    assert probe.started_at is not None
    assert probe.finished_at is not None
    assert (probe.finished_at - probe.started_at).total_seconds() < SECONDS
    assert memory.peak < MEMORY
    detail = fleet.services.videos.get(fleet.user, view.video_id)
    if bad.expected == "refused":
        assert probe.state is StageState.FAILED
        assert bad.says in (probe.reason or "")
        assert "Traceback" not in (probe.reason or "")
        assert [event.reason for event in detail.events if event.action == "stage failed"] == [probe.reason]
        assert fleet.outcomes(job_id) == ["failed"]
    else:
        output = detail.outputs[StageName.PROBE]
        assert isinstance(output, ProbeOutput)
        assert bad.says in (output.partial_reason or "")
        assert (output.partial_reason is not None) == (bad.expected == "partial")
        assert "stage succeeded" in {event.action for event in detail.events}
    eventually(lambda: not children(worker), 3, "no process left")
    assert worker.poll() is None


# An empty file is refused before it is uploaded: see the next test.
@pytest.mark.parametrize("name", [name for name in BAD_INPUTS if "byte" not in name and "empty" not in name])
def test_a_bad_input(fleet: Fleet, tmp_path: Path, name: str) -> None:
    check(fleet, BAD_INPUTS[name], tmp_path / "film.mp4")


def test_an_empty_file_is_refused_before_the_upload(fleet: Fleet, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.touch()
    started = time.monotonic()
    with pytest.raises(Refusal, match="This file is empty"):
        fleet.submit_file(film)
    assert time.monotonic() - started < SECONDS
    with fleet.services.database.statement() as connection:
        reasons = connection.execute(text("select reason from events where action = 'upload refused'")).scalars()
        assert any(reason.startswith("This file is empty") for reason in reasons)


@pytest.mark.parametrize("name", list(network_traps(1)))
def test_a_trap_makes_no_connection(fleet: Fleet, tmp_path: Path, canary: socket.socket, name: str) -> None:
    check(fleet, network_traps(canary.getsockname()[1])[name], tmp_path / "film.mp4")
    with pytest.raises(BlockingIOError):
        canary.accept()


@pytest.mark.parametrize(
    "name",
    [
        "../../../escape.mp4",
        "..\\..\\escape.mp4",
        "🎬🎥.mp4",
        "a\u202e4pm.exe",
        "=HYPERLINK(1).mp4",
        "é" * 127 + "x",
        ".mp4",
    ],
)
def test_a_name_stays_a_name(fleet: Fleet, tmp_path: Path, name: str) -> None:
    before = {path for path in fleet.folder.rglob("*") if "storage" not in path.parts}
    user, services = fleet.user, fleet.services
    upload = services.uploads.begin(user, file_name=name, size=10, fingerprint=name, title=None)
    assert services.uploads.status(user, upload.id).offset == 0
    film = tmp_path / name.replace("\\", "/").rsplit("/", 1)[-1]
    film.write_text("not a film")
    job_id = fleet.submit_file(film)
    eventually(lambda: fleet.state(job_id) is JobState.FAILED, 3 * SECONDS)
    detail = services.videos.get(user, services.operations.job(user, job_id).video_id)
    assert "/" not in detail.video.file_name
    assert "\u202e" not in detail.video.file_name
    stored = services.videos.open_file(user, detail.files[0].id)
    assert stored.path.is_relative_to(fleet.settings.storage_folder)
    assert {path for path in fleet.folder.rglob("*") if "storage" not in path.parts} - before == set()
