"""A forked child that runs one attempt, in a process group of its own, and dies with its parent."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil
import structlog

from jobs.contract import Report
from jobs.recording import released
from services.records.stages import Claim, Finish, Outcome

ADDRESS_SPACE = 16 * 2**30  # a backstop in bytes; the parent watches what is really used
FILE_SIZE = 16 * 2**30
SAY_EVERY = 0.2  # seconds between two words on progress
WATCH_EVERY = 0.1  # seconds between two looks at time and loss
WEIGH_EVERY = 0.5  # seconds between two looks at memory: each reads the table of processes

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """seconds and bytes (of the child and its own children together) that one attempt may take."""

    seconds: float
    memory: int


class Child:
    """One attempt in a process group of its own; the parent watches and kills."""

    def __init__(self, claim: Claim, run: Callable[[Report], Finish]) -> None:
        self._claim = claim
        said, say = os.pipe()
        guard, self._guard = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(said)
            os.close(self._guard)
            _be_child(say, guard, run)
        os.close(say)
        os.close(guard)
        self._said = said
        self._heard = b""
        self._reaping = threading.Lock()
        self._reaped = False
        self._weighed_at = 0.0
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(self.pid, self.pid)  # the child does it too: whoever comes first

    def kill(self) -> None:
        """End the whole process group at once. Safe from any thread, twice, and after the end."""
        with self._reaping:
            if not self._reaped:
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)

    def watch(
        self,
        bounds: Bounds,
        *,
        say: Callable[[float, str], None],
        is_lost: Callable[[], bool],
        must_stop: Callable[[], bool],
        tick: Callable[[], None],
    ) -> Finish | None:
        """Wait for the attempt: what is to be recorded of it, or None when it was taken away."""
        deadline = time.monotonic() + bounds.seconds
        finish: Finish | None = None
        try:
            while finish is None:
                readable, _, _ = select.select([self._said], [], [], WATCH_EVERY)
                if readable:
                    lines, open_still = self._read()
                    for line in lines:
                        finish = self._understand(line, say) or finish
                    if finish is not None or not open_still:
                        break
                tick()
                if is_lost():
                    return None
                finish = self._stopped(bounds, deadline, must_stop)
        finally:
            self.kill()
            with self._reaping:
                status = os.waitpid(self.pid, 0)[1]
                self._reaped = True
            os.close(self._said)
            os.close(self._guard)
        if is_lost():
            return None
        return finish or self._ended(Outcome.LOST, f"Its process died ({_ending(status)}).")

    def _stopped(self, bounds: Bounds, deadline: float, must_stop: Callable[[], bool]) -> Finish | None:
        """Why the attempt must end now, if it must."""
        if must_stop():
            return released(self._claim.stage_id, self._claim.token)
        if time.monotonic() > deadline:
            return self._ended(
                Outcome.FAILED,
                f"It took longer than {bounds.seconds / 60:.0f} min and was stopped. Try a shorter video.",
            )
        if time.monotonic() - self._weighed_at >= WEIGH_EVERY:
            self._weighed_at = time.monotonic()
            if tree_memory(self.pid) > bounds.memory:
                return self._ended(
                    Outcome.FAILED,
                    f"It needed more than {bounds.memory // 2**20} MiB of memory and was stopped. Try a smaller or "
                    "simpler video.",
                )
        return None

    def _ended(self, outcome: Outcome, reason: str) -> Finish:
        return Finish(stage_id=self._claim.stage_id, token=self._claim.token, outcome=outcome, reason=reason)

    def _read(self) -> tuple[list[bytes], bool]:
        block = os.read(self._said, 1 << 20)
        self._heard += block
        *lines, self._heard = self._heard.split(b"\n")
        return lines, bool(block)

    def _understand(self, line: bytes, say: Callable[[float, str], None]) -> Finish | None:
        """A child works on hostile files: what it says is read as data, and only about its own attempt."""
        try:
            message = json.loads(line)
            if "percent" in message:
                say(float(message["percent"]), str(message["message"]))
                return None
            return Finish.from_item(message["finish"], stage_id=self._claim.stage_id, token=self._claim.token)
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
            log.warning("child_not_understood", stage_id=self._claim.stage_id)
            return None


def tree_memory(pid: int) -> int:
    """Bytes of resident memory of a process and its descendants; 0 when it is gone."""
    total = 0
    try:
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            try:
                total += member.memory_info().rss
            except psutil.NoSuchProcess:
                continue
    except psutil.NoSuchProcess:
        return 0
    return total


def _be_child(say: int, guard: int, run: Callable[[Report], Finish]) -> None:
    """Never returns: leaves by os._exit, so that nothing of the parent is cleaned up twice."""
    code = 1
    try:
        os.setpgid(0, 0)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
        threading.Thread(target=_die_with_parent, args=(guard,), daemon=True).start()
        said_at = 0.0

        def report(percent: float, message: str) -> None:
            nonlocal said_at
            if time.monotonic() - said_at >= SAY_EVERY:
                said_at = time.monotonic()
                _write(say, {"percent": percent, "message": message})

        finish = run(report)
        _write(say, {"finish": finish.as_item()})
        code = 0
    except BaseException:  # noqa: BLE001 - the last line of a forked process
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _write(say: int, message: object) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(say, data) :]


def _die_with_parent(guard: int) -> None:
    """The parent's end of the pipe closes when it dies, however it dies."""
    os.read(guard, 1)
    os.killpg(0, signal.SIGKILL)


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"exit code {os.WEXITSTATUS(status)}"
