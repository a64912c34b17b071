"""What the embedded servers have in common: a folder that one server owns, a port, a password, start and stop.

A server inherits the locked file of its folder, so the lock is held exactly as long as one of its processes lives.
A free lock therefore proves that no server uses the folder, whatever a left-over pid file says.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from services.errors import Unavailable

LOOPBACK = "127.0.0.1"
# Below the ports that systems hand to outgoing connections: a client that keeps calling a dead server on one of
# those can be connected to itself, and then the server cannot come back to its port.
PORTS = range(20000, 32000)
START_LIMIT = 60.0  # seconds: recovery after a crash replays the log first
STOP_LIMIT = 10.0


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start a process, how to see that it serves, and how to end it.

    inherited holds file descriptors that the process keeps open; this process closes its copies after the start.
    account is the system user to run as, None for the present one.
    """

    command: tuple[str, ...]
    ready: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    environment: dict[str, str] | None = None
    inherited: tuple[int, ...] = ()
    account: str | None = None

    def start(self, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start the process in an OS session of its own; both output streams go to output."""
        owner = pwd.getpwnam(self.account) if self.account else None
        try:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
                pass_fds=self.inherited,
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
            )
        finally:
            for descriptor in self.inherited:
                os.close(descriptor)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A server's address and how to start it; launch is None when it runs already."""

    url: str
    launch: Launch | None


@dataclass(frozen=True, kw_only=True)
class Server:
    """A serving server. process is None when it was running before and is not ours to stop."""

    url: str
    process: subprocess.Popen[bytes] | None
    stop_signal: signal.Signals = field(default=signal.SIGTERM)

    def stop(self) -> None:
        """End the server if this process started it; returns when it is gone."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def serve(prepared: Prepared, log: Path) -> Server:
    """Start what was prepared, unless it runs, and wait until it serves.

    Raises Unavailable when it ends early or is not ready within a minute.
    """
    if prepared.launch is None:
        return Server(url=prepared.url, process=None)
    with log.open("ab") as output:
        process = prepared.launch.start(output)
    server = Server(url=prepared.url, process=process, stop_signal=prepared.launch.stop_signal)
    deadline = time.monotonic() + START_LIMIT
    while not prepared.launch.ready():
        if process.poll() is not None:
            raise Unavailable(f"{log.stem} ended with code {process.returncode} as it started. Its log is {log}.")
        if time.monotonic() > deadline:
            server.stop()
            raise Unavailable(f"{log.stem} did not answer within {START_LIMIT:.0f} s. Its log is {log}.")
        time.sleep(0.02)
    return server


@dataclass(frozen=True, kw_only=True)
class Access:
    """The port and the password of a server, kept in its folder."""

    port: int
    password: str


def private_folder(folder: Path) -> Path:
    """Make the folder, for its owner only, unless it exists; its absolute path. Raises Unavailable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"The folder {folder} cannot be made. Choose another with BACKLOT_HOME.") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise Unavailable(f"The folder {folder} belongs to another user. Choose another with BACKLOT_HOME.")
    return folder.resolve()


def is_locked(folder: Path) -> bool:
    """Whether a server of this folder lives."""
    if not (folder / "lock").exists():
        return False
    descriptor = lock(folder)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def lock(folder: Path) -> int | None:
    """The descriptor of the folder's locked file, or None while a server, or somebody who starts one, holds it."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unavailable(f"The folder {folder} belongs to another user. Choose another with BACKLOT_HOME.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def lock_or_attach(folder: Path, answers: Callable[[Access], bool]) -> tuple[int | None, Access]:
    """Take the folder for a new server (descriptor, access), or find its server answering (None, access).

    Raises Unavailable when the folder stays taken by a server that does not answer.
    """
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        descriptor = lock(folder)
        if descriptor is not None:
            return descriptor, _renew(folder)
        access = _read(folder)
        if access is not None and answers(access):
            return None, access
        time.sleep(0.05)
    raise Unavailable(f"A server holds {folder} and does not answer. End its processes, then try again.")


def write_private(path: Path, text: str) -> None:
    """Replace the file as a whole, readable for its owner only."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _read(folder: Path) -> Access | None:
    try:
        return Access(**json.loads((folder / "access.json").read_text()))
    except FileNotFoundError:
        return None


def _renew(folder: Path) -> Access:
    """The recorded access, with another port if that one is taken by now."""
    recorded = _read(folder)
    if recorded is not None and _is_free(recorded.port):
        return recorded
    port = next(port for port in iter(lambda: secrets.choice(PORTS), None) if _is_free(port))
    access = Access(port=port, password=recorded.password if recorded else secrets.token_urlsafe(24))
    write_private(folder / "access.json", json.dumps({"port": access.port, "password": access.password}))
    return access


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
