"""Processes with all their descendants: find them, end them, leave none."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

KILL_LIMIT = 2.0  # seconds for the kernel to clear away what got SIGKILL


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process that leads an OS session, and the signal that asks it to end. It may be dead already."""

    pid: int
    stop_signal: signal.Signals


def family(leader: int) -> list[psutil.Process]:
    """The living processes of the session that leader leads or led, and their descendants in any session."""
    processes = {process.pid: process for process in psutil.process_iter() if is_alive(process)}
    found = {pid for pid in processes if pid == leader or _session(pid) == leader}
    parents = {pid: _parent(process) for pid, process in processes.items()}
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return [processes[pid] for pid in found]


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(children: Sequence[Child], *, grace: float, impatient: Callable[[], bool] = lambda: False) -> None:
    """Ask all children at once to end; after grace seconds, or when impatient says so, kill what is left of them."""
    leaders = []
    for child in children:
        try:
            leader = psutil.Process(child.pid)
            leader.send_signal(child.stop_signal)
            leaders.append(leader)
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + grace
    while any(is_alive(leader) for leader in leaders) and time.monotonic() < deadline and not impatient():
        time.sleep(0.05)
    for child in children:
        sweep(child.pid)


def sweep(leader: int) -> None:
    """Kill whatever lives of the leader's family; returns when nothing does, or after two seconds."""
    deadline = time.monotonic() + KILL_LIMIT
    while (left := family(leader)) and time.monotonic() < deadline:
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(left, timeout=0.1)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None
