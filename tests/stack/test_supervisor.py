"""The supervisor with tiny programs: order, restarts, Ctrl-C, and nothing left behind however it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from console.processes import is_alive
from tests.stack.waiting import wait_until


class LittleStack:
    """A stack of tiny programs in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *names: str) -> subprocess.Popen[bytes]:
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.stack.little_stack", str(self.folder), *names],
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until((self.folder / "ready").exists, 10)
        return self.process

    def events(self) -> list[list[str]]:
        return [line.split() for line in (self.folder / "events").read_text().splitlines()]

    def pids(self, name: str, what: str = "started") -> list[int]:
        return [int(event[2]) for event in self.events() if event[:2] == [name, what]]

    def guard(self) -> int:
        return int((self.folder / "guard").read_text())

    def output(self) -> str:
        return (self.folder / "output").read_text()

    def alive(self) -> set[int]:
        written = {int(event[2]) for event in self.events() if len(event) == 3} | {self.guard()}
        return {process.pid for process in psutil.process_iter() if process.pid in written and is_alive(process)}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LittleStack]:
    little = LittleStack(tmp_path)
    yield little
    if little.process:
        little.process.kill()
        little.process.wait()
        try:
            wait_until(lambda: not little.alive(), 15)
        finally:
            for pid in little.alive():  # what a broken guard left
                os.kill(pid, signal.SIGKILL)


def test_starts_in_order_and_ctrl_c_stops_the_stores_last(stack: LittleStack) -> None:
    process = stack.start("store", "worker", "web")
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    assert process.wait(10) == 0
    assert time.monotonic() - begun < 5
    order = [f"{event[0]} {event[1]}" for event in stack.events() if event[1] != "grandchild"]
    assert order[:3] == ["store started", "worker started", "web started"]
    assert set(order[3:5]) == {"worker stopped", "web stopped"}
    assert order[5:] == ["store stopped"]
    assert stack.alive() == set()


def test_writes_each_programs_lines_to_its_file_and_with_its_name(stack: LittleStack) -> None:
    stack.start("web")
    wait_until(lambda: "web | hello from web" in stack.output(), 5)
    assert (stack.folder / "logs" / "web.log").read_text() == "hello from web\n"


def test_restarts_a_killed_worker_after_sweeping_its_orphan(stack: LittleStack) -> None:
    stack.start("store", "worker")
    (worker,), (orphan,) = stack.pids("worker"), stack.pids("worker", "grandchild")
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: len(stack.pids("worker")) == 2, 5) < 3
    assert orphan not in stack.alive()
    assert len(stack.pids("store")) == 1


def test_restarts_a_killed_store(stack: LittleStack) -> None:
    stack.start("store", "worker")
    os.kill(stack.pids("store")[0], signal.SIGKILL)
    wait_until(lambda: len(stack.pids("store")) == 2, 5)
    assert len(stack.pids("worker")) == 1


def test_kills_what_ignores_the_signal_within_ten_seconds(stack: LittleStack) -> None:
    process = stack.start("store", "stubborn")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert stack.events()[-1] == ["store", "stopped"]
    assert stack.alive() == set()


def test_second_ctrl_c_kills_at_once(stack: LittleStack) -> None:
    process = stack.start("store", "stubborn")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    process.wait(10)
    assert time.monotonic() - begun < 2
    assert stack.alive() == set()


def test_kill_of_the_supervisors_group_leaves_nothing(stack: LittleStack) -> None:
    process = stack.start("store", "worker", "stubborn")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not stack.alive(), 15)
    assert stack.events()[-1] == ["store", "stopped"]  # it had the time to end by itself, and after the work


def test_a_killed_guard_is_replaced_and_still_guards(stack: LittleStack) -> None:
    process = stack.start("store", "worker")
    os.kill(stack.guard(), signal.SIGKILL)
    wait_until(lambda: bool(guards_of(process.pid) - {stack.guard()}), 5)
    process.kill()
    process.wait()
    wait_until(lambda: not stack.alive(), 15)
    assert stack.events()[-1] == ["store", "stopped"]


def test_a_program_that_keeps_failing_is_said_and_stops_nobody(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.stack.little_stack", str(tmp_path), "store", "broken"],
            stdout=file,
            stderr=file,
        )
    try:
        wait_until(lambda: "times_in_a_row=3" in output.read_text(), 15)
        assert "ended with code 3" in output.read_text()
        assert "broken.log" in output.read_text()
        assert (tmp_path / "events").read_text().count("store started") == 1
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def guards_of(pid: int) -> set[int]:
    found = set()
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie has no command line either
            if "console.guard" in child.cmdline():
                found.add(child.pid)
    return found
