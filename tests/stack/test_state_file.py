"""The state file tells a running stack from the leavings of a dead one."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil

from console import state_file
from console.state_file import State


def of_this_process() -> State:
    return State(
        supervisor_pid=os.getpid(),
        supervisor_created=psutil.Process().create_time(),
        address="http://127.0.0.1:8501",
        database_url="postgresql+psycopg://backlot:hidden@127.0.0.1:1/backlot",
        redis_url="redis://:hidden@127.0.0.1:2/0",
        log_folder="/logs",
        processes={"web": 3},
        started_at=4.5,
    )


def test_reads_what_was_written_and_keeps_it_private(tmp_path: Path) -> None:
    assert state_file.read(tmp_path) is None
    state_file.write(tmp_path, of_this_process())
    assert state_file.read(tmp_path) == of_this_process()
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600
    state_file.remove(tmp_path)
    assert state_file.read(tmp_path) is None


def test_a_dead_supervisors_file_counts_for_nothing(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    state_file.write(tmp_path, replace(of_this_process(), supervisor_pid=gone.pid))
    assert state_file.read(tmp_path) is None


def test_a_pid_that_another_process_has_by_now_counts_for_nothing(tmp_path: Path) -> None:
    earlier = replace(of_this_process(), supervisor_created=psutil.Process().create_time() - 60)
    state_file.write(tmp_path, earlier)
    assert state_file.read(tmp_path) is None
