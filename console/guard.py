"""Ends every child of the supervisor when the supervisor is gone, however it went.

A process of its own, in a session of its own, that reads one line of JSON for each child that starts or has ended:
from its arguments, then from a pipe. The pipe's end means that the supervisor is dead. It also keeps open the locked
file of the home folder, so that nobody starts a second stack before the first is cleared away.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Sequence

from console.processes import Child, end

# Seconds; together below the 15 s that a killed supervisor may leave processes behind.
WORK_GRACE = 5.0
STORE_GRACE = 4.0


class Guard:
    """The supervisor's side: tells the guard process of children, and starts it again if it dies."""

    def __init__(self, inherited: Sequence[int] = ()) -> None:
        self._inherited = tuple(inherited)
        self._watched: dict[int, str] = {}
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def watch(self, child: Child, *, is_store: bool) -> None:
        """Have the child ended with the supervisor, a store after everything else."""
        line = json.dumps({"pid": child.pid, "signal": child.stop_signal.name, "store": is_store})
        self._watched[child.pid] = line
        self._tell(line)

    def forget(self, pid: int) -> None:
        """The child has ended and its family is swept."""
        self._watched.pop(pid, None)
        self._tell(json.dumps({"gone": pid}))

    def keep_alive(self) -> None:
        """Start the guard process again if it died."""
        if self._process.poll() is not None:
            self._close_pipe()
            self._process = self._start()

    def close(self) -> None:
        """End the guard process. What it still watches, it ends first."""
        self._close_pipe()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            # What is watched already goes with the start: this process may die before it writes to the pipe.
            [sys.executable, "-m", "console.guard", *self._watched.values()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self._inherited,
        )

    def _tell(self, line: str) -> None:
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self.keep_alive()

    def _close_pipe(self) -> None:
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()


def main() -> None:
    """Read the pipe to its end, then end every child that is left: the work first, the stores after it."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    work: dict[int, Child] = {}
    stores: dict[int, Child] = {}
    for line in itertools.chain(sys.argv[1:], sys.stdin):
        told = json.loads(line)
        if "gone" in told:
            work.pop(told["gone"], None)
            stores.pop(told["gone"], None)
        else:
            children = stores if told["store"] else work
            children[told["pid"]] = Child(pid=told["pid"], stop_signal=signal.Signals[told["signal"]])
    end(list(work.values()), grace=WORK_GRACE)
    end(list(stores.values()), grace=STORE_GRACE)


if __name__ == "__main__":
    main()
