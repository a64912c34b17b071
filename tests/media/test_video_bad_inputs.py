"""Each bad input, through the probe stage in a process of its own: quick, plainly answered, nothing else touched."""

from __future__ import annotations

import multiprocessing
import os
import resource
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

import pytest

from jobs.contract import StageContext
from jobs.stages import probe
from services.errors import PermanentFailure
from services.media import source as source_module
from services.model import StageName
from services.outputs import ProbeOutput
from tests.bad_inputs import BAD_INPUTS, BadInput, network_traps

SECONDS = 5.0
MEMORY = 1000 * 1024 * 1024  # what a media worker's child is held to
SPAWN = multiprocessing.get_context("fork")

Answer = tuple[str, object, list[str], int]  # kind, message or output, files opened, peak memory


@pytest.fixture(scope="module")
def canary() -> Iterator[socket.socket]:
    """A listener on loopback that nobody may connect to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener


def probe_in_child(source: Path, answers: Connection) -> None:
    """Runs the stage as a worker's child would, watching each file and socket that Python opens."""
    opened: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("open", "socket.connect", "subprocess.Popen"):
            opened.append(f"{event} {arguments[0]}")

    resource.setrlimit(resource.RLIMIT_AS, (2 * MEMORY, 2 * MEMORY))
    context = StageContext(
        job_id=uuid4(),
        video_id=uuid4(),
        stage=StageName.PROBE,
        title="bad",
        find_source=lambda: source,
        make_workspace=lambda: source.parent,
        outputs={},
        report=lambda percent, message: None,
    )
    sys.addaudithook(watch)
    try:
        result = probe.run(context)
        kind, said = "output", result.output.model_dump_json()
    except PermanentFailure as error:
        kind, said = "refused", str(error)
    except BaseException:  # noqa: BLE001 - the parent reports it
        kind, said = "crashed", traceback.format_exc()
    answers.send((kind, said, opened, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def answer_to(source: Path) -> tuple[Answer, float]:
    here, there = SPAWN.Pipe(duplex=False)
    started = time.monotonic()
    child = SPAWN.Process(target=probe_in_child, args=(source, there))
    child.start()
    there.close()
    try:
        assert here.poll(2 * SECONDS), "the probe did not end"
        answer: Answer = here.recv()
        taken = time.monotonic() - started
        child.join(SECONDS)
        assert child.exitcode == 0
    finally:
        if child.is_alive():
            child.kill()
            child.join()
    return answer, taken


def check(bad: BadInput, source: Path) -> None:
    bad.make(source)
    (kind, said, opened, peak), taken = answer_to(source)
    assert taken < SECONDS
    assert peak < MEMORY
    assert all(str(source) in entry or "site-packages" in entry or "/python" in entry for entry in opened), opened
    if bad.expected == "refused":
        assert kind == "refused", said
        assert bad.says in str(said)
        assert str(source) not in str(said)
        assert "Traceback" not in str(said)
        assert "Errno" not in str(said)
        return
    assert kind == "output", said
    output = ProbeOutput.model_validate_json(str(said))
    if bad.expected == "partial":
        assert bad.says in (output.partial_reason or "")
    else:
        assert output.partial_reason is None


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_is_answered_plainly_and_quickly(name: str, tmp_path: Path) -> None:
    check(BAD_INPUTS[name], tmp_path / "source")


@pytest.mark.parametrize("name", network_traps(0))
def test_opens_no_connection(name: str, tmp_path: Path, canary: socket.socket) -> None:
    check(network_traps(canary.getsockname()[1])[name], tmp_path / "source")
    with pytest.raises(BlockingIOError):
        canary.accept()


@pytest.mark.parametrize("name", network_traps(0))
def test_no_connection_even_where_playlists_were_allowed(
    name: str, tmp_path: Path, canary: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second wall: protocols are held to files whatever the format."""
    monkeypatch.setattr(source_module, "FORMATS", f"{source_module.FORMATS},hls,concat")
    path = tmp_path / "source.m3u8"
    network_traps(canary.getsockname()[1])[name].make(path)
    with pytest.raises(PermanentFailure), source_module.open_source(path):
        pass
    with pytest.raises(BlockingIOError):
        canary.accept()


def test_truncated_file_says_where_it_ends(tmp_path: Path) -> None:
    source = tmp_path / "source"
    BAD_INPUTS["truncated"].make(source)
    (_, said, _, _), _ = answer_to(source)
    assert 10.0 < ProbeOutput.model_validate_json(str(said)).duration < 14.0


def test_bit_rot_is_counted(tmp_path: Path) -> None:
    source = tmp_path / "source"
    BAD_INPUTS["bit_rotted"].make(source)
    (_, said, _, _), _ = answer_to(source)
    output = ProbeOutput.model_validate_json(str(said))
    assert output.bad_packets > 0
    assert output.duration == pytest.approx(30.0, abs=0.5)


def test_does_not_read_a_large_file_whole(tmp_path: Path) -> None:
    """Of a file of 10 GB with a hole where its media should be, only a few places are read."""
    source = tmp_path / "source"
    BAD_INPUTS["truncated"].make(source)
    os.truncate(source, 10 * 1024**3)
    (_, said, _, _), taken = answer_to(source)
    assert ProbeOutput.model_validate_json(str(said)).bad_packets > 0
    assert taken < SECONDS
