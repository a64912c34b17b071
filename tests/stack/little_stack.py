"""A stack of tiny programs under the real supervisor, for tests: `python -m tests.stack.little_stack FOLDER`.

store ends on SIGINT only; worker has a grandchild; stubborn ignores SIGTERM; broken ends at once. Each writes
"NAME started PID" and "NAME stopped" into FOLDER/events.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from console.child_logs import ChildLogs
from console.guard import Guard
from console.supervisor import Program, Stopped, Supervisor
from services.embedded import Launch

PROGRAM = """
import os, signal, subprocess, sys, time
name, events, stops = sys.argv[1:4]
def note(text):
    with open(events, "a") as file:
        file.write(f"{name} {text}\\n")
def stop(*_):
    note("stopped")
    sys.exit(0)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, stop if number.name == stops else signal.SIG_IGN)
if name == "worker":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    note(f"grandchild {child.pid}")
note(f"started {os.getpid()}")
print("hello from", name, flush=True)
if name == "broken":
    sys.exit(3)
while True:
    time.sleep(0.05)
"""
STOPS = {"store": "SIGINT", "worker": "SIGTERM", "web": "SIGTERM", "stubborn": "never", "broken": "never"}


def program(name: str, folder: Path) -> Program:
    events = folder / "events"
    command = (sys.executable, "-c", PROGRAM, name, str(events), STOPS[name])
    stop_signal = signal.SIGINT if name == "store" else signal.SIGTERM

    def is_ready() -> bool:
        return events.exists() and f"{name} started" in events.read_text()

    return Program(
        name=name,
        prepare=lambda: Launch(command=command, ready=is_ready, stop_signal=stop_signal),
        is_store=name == "store",
    )


def main(folder: Path, names: list[str]) -> None:
    supervisor = Supervisor(guard=Guard(), logs=ChildLogs(folder / "logs", echo=True))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.ask_to_stop())
    try:
        for name in names:
            supervisor.start([program(name, folder)])
        (folder / "guard").write_text(str(supervisor.pids["guard"]))
        (folder / "ready").touch()
        supervisor.watch()
    except Stopped:
        pass
    finally:
        supervisor.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
