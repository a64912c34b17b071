"""Starts processes in order, restarts those that end, stops all of them. Threads and Popen, no asyncio:
asyncio's `Process.wait` also waits for the pipe, which a killed worker's child may hold for ever."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from console.child_logs import ChildLogs
from console.guard import STORE_GRACE, WORK_GRACE, Guard
from console.processes import Child, end, sweep
from services.embedded import Launch
from services.errors import Unavailable

LOOK = 0.1  # seconds between two looks at the children
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a restart, doubled each time
STEADY = 60.0  # seconds: who ran that long starts again with the first pause
OFTEN = 3  # restarts in a row after which the message says where to look

log = structlog.get_logger()


class Stopped(Exception):
    """The supervisor was asked to stop while it waited for something."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """Something to keep running.

    prepare is called before every start; None means that it runs already, outside, and runs tells for how long.
    """

    name: str
    prepare: Callable[[], Launch | None]
    runs: Callable[[], bool] = lambda: True
    is_store: bool = False


@dataclass(kw_only=True)
class Entry:
    """One program's present state. process and child are None when it runs outside, or waits for its restart."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    child: Child | None = None
    ready: Callable[[], bool] = lambda: True
    started: float = 0.0
    restarts: int = 0
    restart_at: float | None = None


class Supervisor:
    """Keeps programs running until `stop`. `ask_to_stop` may be called from a signal handler, twice to hurry."""

    def __init__(self, *, guard: Guard, logs: ChildLogs, changed: Callable[[], None] = lambda: None) -> None:
        self._guard = guard
        self._logs = logs
        self._changed = changed
        self._entries: list[Entry] = []
        self._stop = threading.Event()
        self._hurry = threading.Event()

    @property
    def pids(self) -> dict[str, int]:
        """The process id of every program that runs as our child, and of the guard."""
        running = {entry.program.name: entry.process.pid for entry in self._entries if entry.process}
        return running | {"guard": self._guard.pid}

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()

    def start(self, programs: Sequence[Program], *, limit: float = 60.0) -> None:
        """Start the programs together and wait, at most limit seconds, until all are ready.

        One that ends meanwhile is started again. Raises Unavailable when one cannot start or is not ready in time,
        and Stopped.
        """
        new = [Entry(program=program) for program in programs]
        for entry in new:
            self._launch(entry)
            self._entries.append(entry)
        deadline = time.monotonic() + limit
        while late := [entry.program.name for entry in new if entry.restart_at is not None or not entry.ready()]:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Not ready within {limit:.0f} s: {', '.join(late)}. The reason is in {self._logs.folder}."
                )
            self._look()
            if self._stop.wait(LOOK / 4):
                raise Stopped

    def finish(self, name: str, launch: Launch) -> bytes:
        """Run something that ends by itself and return what it wrote, which no log keeps.

        Raises Unavailable when it fails, and Stopped.
        """
        with tempfile.TemporaryFile() as output:
            process = launch.start(output.fileno())
            child = Child(pid=process.pid, stop_signal=launch.stop_signal)
            self._guard.watch(child, is_store=False)
            while process.poll() is None and not self._stop.wait(LOOK / 4):
                self._look()
            end([child], grace=WORK_GRACE, impatient=self._hurry.is_set)
            process.wait()
            self._guard.forget(process.pid)
            if self._stop.is_set():
                raise Stopped
            output.seek(0)
            written = output.read()
        if process.returncode != 0:
            raise Unavailable(f"{name} failed: {written.decode(errors='replace').strip()[-2000:]}")
        return written

    def watch(self) -> None:
        """Restart what ends, until asked to stop."""
        while not self._stop.wait(LOOK):
            self._look()

    def ask_to_stop(self) -> None:
        """Make `watch` return; asked again, kill instead of waiting."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def restart_work(self) -> None:
        """End everything but the stores; it starts again, prepared anew, at the next looks."""
        end(self._children(is_store=False), grace=WORK_GRACE)

    def stop(self) -> None:
        """End the work, then the stores, then the guard; what does not end in time is killed."""
        self._stop.set()
        for is_store, grace in ((False, WORK_GRACE), (True, STORE_GRACE)):
            end(self._children(is_store=is_store), grace=grace, impatient=self._hurry.is_set)
            for entry in self._entries:
                if entry.program.is_store is is_store:
                    self._clear(entry)
        self._guard.close()
        self._logs.close()

    def _children(self, *, is_store: bool) -> list[Child]:
        return [entry.child for entry in self._entries if entry.child and entry.program.is_store is is_store]

    def _look(self) -> None:
        self._guard.keep_alive()
        for entry in self._entries:
            if entry.process is not None:
                if entry.process.poll() is not None:
                    self._recover(entry, f"ended with code {entry.process.returncode}")
            elif entry.restart_at is None:
                if not entry.program.runs():
                    self._relaunch(entry)
            elif time.monotonic() >= entry.restart_at:
                self._relaunch(entry)

    def _relaunch(self, entry: Entry) -> None:
        try:
            self._launch(entry)
        except (Unavailable, OSError) as error:
            self._recover(entry, f"cannot start: {error}")

    def _launch(self, entry: Entry) -> None:
        entry.restart_at = None
        name = entry.program.name
        launch = entry.program.prepare()
        if launch is None:
            return
        try:
            entry.process = launch.start(subprocess.PIPE)
        except OSError as error:
            raise Unavailable(f"{name} cannot be started: {error}") from error
        entry.child = Child(pid=entry.process.pid, stop_signal=launch.stop_signal)
        entry.ready = launch.ready
        entry.started = time.monotonic()
        self._guard.watch(entry.child, is_store=entry.program.is_store)
        self._logs.follow(name, entry.process)
        log.info("process_started", name=name, pid=entry.process.pid)
        self._changed()

    def _recover(self, entry: Entry, reason: str) -> None:
        """Sweep what the dead process left, since a worker's orphan would do its stage twice, and plan the restart."""
        if time.monotonic() - entry.started > STEADY:
            entry.restarts = 0
        self._clear(entry)
        entry.restarts += 1
        pause = min(FIRST_PAUSE * 2 ** (entry.restarts - 1), LONGEST_PAUSE)
        entry.restart_at = time.monotonic() + pause
        log.warning(
            "process_restarts",
            name=entry.program.name,
            reason=reason,
            in_seconds=pause,
            times_in_a_row=entry.restarts,
            advice=f"read {self._logs.folder / entry.program.name}.log" if entry.restarts >= OFTEN else None,
        )

    def _clear(self, entry: Entry) -> None:
        if entry.process is None:
            return
        sweep(entry.process.pid)
        entry.process.wait()
        self._guard.forget(entry.process.pid)
        entry.process = entry.child = None
