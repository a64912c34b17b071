"""Streamlit's bundle and our own fonts and icons, compressed once and kept, never while somebody waits.

A request is answered from a table of the files that are there, by exact address: no path is ever built from one.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import mimetypes
import os
import threading
import time
import zlib
from collections.abc import Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import brotli
import structlog
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from console import shell
from console.api import docs

log = structlog.get_logger()

# Names in Streamlit's bundle change with their content; ours do not.
FOREVER = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400, stale-while-revalidate=604800"
EACH_TIME = "no-cache"
COMPRESSED = frozenset({".js", ".css", ".svg", ".txt"})
WORTH = 0.95  # of the plain size; above it the plain file is sent

ENCODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    # The quality after which time grows tenfold for 8 % (measured): 3 s for all of the bundle.
    "br": functools.partial(brotli.compress, quality=9),
    "gzip": functools.partial(gzip.compress, compresslevel=9, mtime=0),
}


@dataclass(kw_only=True)
class Asset:
    """A file, with its compressed forms as soon as they are made. tag names the content, without quotes."""

    path: Path
    media_type: str
    cache_control: str
    tag: str
    forms: dict[str, bytes] = field(default_factory=dict)


def assets(folder: Path, prefix: str, cache_control: str, *, names: Collection[str] | None = None) -> dict[str, Asset]:
    """Every file below the folder by its address, or those of these names."""
    found: dict[str, Asset] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (names is None or path.name in names):
            about = path.stat()
            name = path.relative_to(folder).as_posix()
            identity = f"{name} {about.st_size} {about.st_mtime_ns} {brotli.__version__} {zlib.ZLIB_RUNTIME_VERSION}"
            found[f"{prefix}{name}"] = Asset(
                path=path,
                media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
                cache_control=cache_control,
                tag=hashlib.sha256(identity.encode()).hexdigest()[:24],
            )
    return found


def all_assets() -> dict[str, Asset]:
    """Streamlit's bundle, our own files and Swagger UI; those that the page names stand first."""
    page = shell.html()
    found = {
        **assets(shell.BUNDLE / "static", "/static/", FOREVER),
        **assets(shell.STATIC, "/app/static/", A_DAY),
        **assets(docs.folder(), f"{docs.ADDRESS}/", A_DAY, names=docs.NAMES),
    }
    return dict(sorted(found.items(), key=lambda item: item[0] not in page))


def prepare(table: Mapping[str, Asset], folder: Path) -> None:
    """Make or read the compressed forms of all files; the folder keeps them for the next start.

    A form that cannot be kept is held in memory all the same.
    """
    kept: set[Path] = set()
    for asset in table.values():
        if asset.path.suffix not in COMPRESSED:
            continue
        for encoding, compress in ENCODINGS.items():
            place = folder / f"{asset.tag}.{encoding}"
            kept.add(place)
            made = _read(place) or _make(asset.path, compress, place)
            if len(made) <= WORTH * asset.path.stat().st_size:
                asset.forms[encoding] = made
    for old in set(folder.glob("*")) - kept:
        old.unlink(missing_ok=True)


def _read(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except OSError:
        return None


def _make(path: Path, compress: Callable[[bytes], bytes], place: Path) -> bytes:
    made = compress(path.read_bytes())
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_suffix(f"{place.suffix}.{os.getpid()}")
        unfinished.write_bytes(made)
        unfinished.replace(place)
    except OSError as error:
        log.info("static_form_not_kept", kind=type(error).__name__)
    return made


def prepare_in_background(table: Mapping[str, Asset], folder: Path) -> threading.Thread:
    """prepare() in a thread that gives way to everything else."""

    def run() -> None:
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        started = time.monotonic()
        prepare(table, folder)
        log.info("static_files_ready", files=len(table), seconds=round(time.monotonic() - started, 2))

    thread = threading.Thread(target=run, name="static-files", daemon=True)
    thread.start()
    return thread


def accepted(header: str) -> list[str]:
    """The encodings of ENCODINGS that an Accept-Encoding header allows, best first."""
    allowed: dict[str, bool] = {}
    for part in header.lower().split(","):
        name, _, parameter = part.partition(";")
        quality = parameter.strip().removeprefix("q=")
        allowed[name.strip()] = not parameter.strip() or quality.replace(".", "").strip("0") != ""
    return [name for name in ENCODINGS if allowed.get(name, allowed.get("*", False))]


def is_known(headers: Headers, tag: str) -> bool:
    """Whether the browser holds this content already."""
    tags = [one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")]
    return tag in tags or "*" in tags


class StaticFiles:
    """ASGI middleware: answers for the files of the table, and writes our page where Streamlit would send its own."""

    def __init__(self, app: ASGIApp, *, table: Mapping[str, Asset]) -> None:
        self._app = app
        self._table = table
        page = shell.html().encode()
        self._page = Asset(
            path=shell.BUNDLE / "index.html",
            media_type="text/html; charset=utf-8",
            cache_control=EACH_TIME,
            tag=hashlib.sha256(page).hexdigest()[:24],
            forms={"": page} | {name: compress(page) for name, compress in ENCODINGS.items()},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
        elif (asset := self._table.get(scope["path"])) is not None:
            await self._answer(asset, Headers(scope=scope))(scope, receive, send)
        elif scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
        else:
            await self._with_our_page(scope, receive, send)

    def _answer(self, asset: Asset, headers: Headers) -> Response:
        wanted = accepted(headers.get("accept-encoding", ""))
        encoding = next((name for name in wanted if name in asset.forms), "")
        tag = f'"{asset.tag}-{encoding}"' if encoding else f'"{asset.tag}"'
        told = {"Cache-Control": asset.cache_control, "ETag": tag, "Vary": "Accept-Encoding"}
        if is_known(headers, tag):
            return Response(status_code=304, headers=told)
        if encoding:
            told["Content-Encoding"] = encoding
        if encoding in asset.forms:
            return Response(asset.forms[encoding], headers=told, media_type=asset.media_type)
        return FileResponse(asset.path, headers=told, media_type=asset.media_type)

    async def _with_our_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the answer on, unless it is Streamlit's index page."""
        replaced = False

        async def send_or_replace(message: MutableMapping[str, Any]) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                told = Headers(raw=message["headers"])
                replaced = message["status"] == 200 and told.get("content-type", "").startswith("text/html")
                if replaced:
                    await self._answer(self._page, Headers(scope=scope))(scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, send_or_replace)
