"""Files in a local folder: uploads under way, and immutable files that a row names."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from services.errors import IllegalMove, NotFound, Unavailable


@dataclass(frozen=True, kw_only=True)
class Room:
    """Bytes: what may still be written, and the whole disk."""

    free: int
    size: int


class LocalStorage:
    """Keys are made by the server and look like paths; nothing is ever overwritten."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._kept = folder / "kept"
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._kept.mkdir(exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The storage folder {folder} cannot be written: {error.strerror}.") from error

    def room(self) -> Room:
        """The room on the disk."""
        usage = shutil.disk_usage(self._folder)
        return Room(free=usage.free, size=usage.total)

    def incoming(self, upload_id: UUID) -> Path:
        """Where the bytes of an upload gather."""
        return self._incoming / str(upload_id)

    def has_incoming(self, upload_id: UUID) -> bool:
        """Whether the bytes of an upload are still there."""
        return self.incoming(upload_id).exists()

    @contextmanager
    def receiving(self, upload_id: UUID) -> Iterator[IO[bytes]]:
        """The file of an upload, open for writing by one connection of one process at a time. Raises IllegalMove."""
        path = self.incoming(upload_id)
        made = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise IllegalMove("Another connection is sending this file already.") from error
            if made:
                _sync(self._incoming)
            yield file

    def keep_incoming(self, upload_id: UUID, key: str) -> None:
        """Give a complete upload its immutable key; on disk, file and folder, when this returns."""
        target = self._new(key)
        with translated_disk_errors():
            os.link(self.incoming(upload_id), target)
            os.utime(target)  # its age as a kept file, by which orphans are told, starts now
            _sync(target)
            _sync(target.parent)

    def drop_incoming(self, upload_id: UUID) -> None:
        self.incoming(upload_id).unlink(missing_ok=True)

    def keep(self, path: Path, key: str) -> int:
        """Copy a produced file to an immutable key; on disk when this returns. Its size in bytes."""
        target = self._new(key)
        with translated_disk_errors():
            shutil.copyfile(path, target)
            _sync(target)
            _sync(target.parent)
        return target.stat().st_size

    def path(self, key: str) -> Path:
        """The file of a key. Raises NotFound."""
        path = self._path(key)
        if not path.is_file():
            raise NotFound("This file is no longer there. Upload the video again, or ask an operator to restore it.")
        return path

    def older_than(self, seconds: float) -> Iterator[str]:
        """Keys whose files are older than this."""
        limit = time.time() - seconds
        for path in self._kept.rglob("*"):
            if path.is_file() and _modified(path, default=limit) < limit:
                yield str(path.relative_to(self._kept))

    def incoming_older_than(self, seconds: float) -> Iterator[UUID]:
        limit = time.time() - seconds
        for path in self._incoming.iterdir():
            if _modified(path, default=limit) < limit:
                yield UUID(path.name)

    def drop(self, key: str) -> None:
        """Remove a file that no row names, and the folder that it leaves empty."""
        path = self._path(key)
        path.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()

    def _path(self, key: str) -> Path:
        path = (self._kept / key).resolve()
        if not path.is_relative_to(self._kept.resolve()):
            raise NotFound("This file is no longer there. Upload the video again, or ask an operator to restore it.")
        return path

    def _make_folder(self, folder: Path) -> None:
        """Make a folder, and each above it, so that it is still there after a power cut."""
        if not folder.exists():
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
            _sync(folder.parent)

    def _new(self, key: str) -> Path:
        path = self._path(key)
        with translated_disk_errors():
            self._make_folder(path.parent)
        if path.exists():
            raise FileExistsError(f"{key} is already kept")
        return path


@contextmanager
def translated_disk_errors() -> Iterator[None]:
    """Inside it, a full or broken disk raises Unavailable."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
            raise
        raise Unavailable(
            "The disk of the server is full. What arrived before is kept: try again later, or ask an operator to free "
            "some room."
        ) from error


def _modified(path: Path, *, default: float) -> float:
    """When a file was last written; the default when it is gone by now."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return default


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
