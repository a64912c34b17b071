"""`python -m console up` and its neighbours with the real programs, on one home."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from console import state_file
from console.processes import is_alive
from console.state_file import State
from tests.films import film_of
from tests.stack.waiting import wait_until
from tests.web.conftest import free_port

START_LIMIT = 90.0  # seconds; 15 on a machine with nothing else to do


class Home:
    """Runs commands of the console on one home folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKLOT_")}
        kept.pop("DATABASE_URL", None)
        kept.pop("REDIS_URL", None)
        self.environment = kept | {
            "BACKLOT_HOME": str(folder),
            "BACKLOT_MEDIA_WORKERS": "1",
            "BACKLOT_PORT": str(free_port()),
        }
        self.up: subprocess.Popen[bytes] | None = None

    def start(self) -> State:
        with self.log.open("ab") as output:
            self.up = subprocess.Popen(
                [sys.executable, "-m", "console", "up"],
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until(lambda: state_file.read(self.folder) is not None, START_LIMIT)
        return self.state()

    def state(self) -> State:
        state = state_file.read(self.folder)
        assert state is not None
        return state

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "console", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def living(state: State) -> set[str]:
    found = set()
    for name, pid in {**state.processes, "supervisor": state.supervisor_pid}.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            if is_alive(psutil.Process(pid)):
                found.add(name)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    if home.up:
        state = state_file.read(home.folder)
        home.up.kill()
        home.up.wait()
        if state:
            wait_until(lambda: not living(state), 15)


def test_the_life_of_a_stack(home: Home) -> None:
    state = home.start()
    assert set(state.processes) == {"postgres", "valkey", "media-1", "ai-1", "web", "guard"}

    again = home.command("up")
    assert (again.returncode, again.stdout.strip()) == (0, f"Backlot runs already: {state.address}")

    added = home.command("user", "add", "ann", "--role", "operator")
    assert re.search(r"ann \(operator\) signs in with the one-time password \S+", added.stdout)

    status = home.command("status")
    assert status.returncode == 0
    assert state.address in status.stdout
    assert "0 queued" in status.stdout
    assert home.command("doctor").returncode == 0

    # Both stores are killed: they come back on their ports, and what uses them goes on.
    stores = {name: state.processes[name] for name in ("postgres", "valkey")}
    for pid in stores.values():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(home.state().processes.get(name, old) != old for name, old in stores.items()), 30)
    wait_until(lambda: home.command("doctor").returncode == 0, 30)
    after = home.state()
    assert (after.database_url, after.redis_url) == (state.database_url, state.redis_url)
    assert after.processes["web"] == state.processes["web"]

    # The supervisor and its whole process group are killed: nothing is left, and the next start has all data.
    assert home.up is not None
    os.killpg(home.up.pid, signal.SIGKILL)
    home.up.wait()
    wait_until(lambda: not living(after), 15)
    assert home.command("status").returncode == 1
    state = home.start()
    assert home.command("user", "add", "ann").returncode == 1  # she is there already
    log = home.log.read_text()
    assert log.count("one-time password") == 1
    shown = re.search(r"one-time password (\S+)", log)
    assert shown is not None
    secrets = [shown[1], (home.folder / "secret.key").read_text()]
    logs = "".join(path.read_text(errors="replace") for path in (home.folder / "logs").iterdir())
    assert not [secret for secret in secrets if secret in logs]

    home.up.send_signal(signal.SIGINT)
    begun = time.monotonic()
    assert home.up.wait(10) == 0
    assert time.monotonic() - begun < 10
    assert living(state) == set()
    assert state_file.read(home.folder) is None


def test_takes_the_next_port_where_one_is_taken(home: Home) -> None:
    with socket.create_server(("127.0.0.1", int(home.environment["BACKLOT_PORT"]))) as taken:
        port = taken.getsockname()[1]
        address = home.start().address
    assert port < int(address.rsplit(":", 1)[1]) <= port + 50


def test_refuses_to_start_stores_of_its_own_where_that_is_forbidden(home: Home) -> None:
    home.environment["BACKLOT_EMBEDDED"] = "never"
    done = home.command("up")
    assert done.returncode == 1
    assert "DATABASE_URL, REDIS_URL, BACKLOT_SECRET_KEY" in done.stderr
    assert not (home.folder / "postgres").exists()


def test_ctrl_c_during_the_first_start_ends_everything(home: Home) -> None:
    with home.log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "up"], env=home.environment, stdout=output, stderr=output
        )
    wait_until((home.folder / "postgres").exists, 30)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert "Traceback" not in home.log.read_text()
    left = [
        child for child in psutil.process_iter(["cmdline"]) if str(home.folder) in " ".join(child.info["cmdline"] or [])
    ]
    assert left == []


def test_sends_a_file_only_when_something_runs_or_it_may_wait(home: Home, tmp_path: Path) -> None:
    assert "There is no file" in home.command("submit", "nowhere.mp4").stderr
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"x")
    done = home.command("submit", str(clip))
    assert done.returncode == 1
    assert "make run" in done.stderr


def test_submit_brings_the_stack_up_for_one_job_and_fails_with_it(home: Home, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(film_of(b"and no more"))
    done = home.command("submit", str(film), "--wait")
    assert done.returncode == 1, done.stderr
    assert "/video?id=" in done.stdout
    assert re.search(r"probe +failed", done.stdout)
    assert state_file.read(home.folder) is None
