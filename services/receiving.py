"""The bytes of an upload: appended as they come, looked at, hashed on the way, and synced with their offset."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from services.database import Database
from services.errors import BadInput, IllegalMove, NotFound
from services.media.magic import HEAD, why_not
from services.model import User
from services.records import uploads
from services.records.uploads import UploadRecord
from services.storage import LocalStorage, translated_disk_errors

BLOCK = 1024 * 1024  # written and hashed at once, off the event loop
FINGERPRINTED = 1024 * 1024  # bytes at each end of a file


class NoMedia(BadInput):
    """The file is no video or sound, by its first bytes: nothing of it is kept."""


class Receiving:
    def __init__(self, database: Database, storage: LocalStorage) -> None:
        self._database = database
        self._storage = storage
        self._hashes: dict[UUID, tuple[int, Any]] = {}  # bytes hashed so far, by uploads of this process

    async def append(self, user: User, upload_id: UUID, *, offset: int, chunks: AsyncIterator[bytes]) -> UploadRecord:
        """Append bytes from offset on; what arrived is kept also when the connection breaks.

        Raises NoMedia before more than a block is kept, NotFound, IllegalMove when offset is not where the upload
        stands or another connection sends it, BadInput for more bytes than announced, Unavailable when the disk is
        full.
        """
        await asyncio.to_thread(self._require_stands_at, user, upload_id, offset)
        written = 0
        with translated_disk_errors(), self._storage.receiving(upload_id) as file:
            # Again, now that nobody else can move it.
            upload = await asyncio.to_thread(self._require_stands_at, user, upload_id, offset)
            if os.fstat(file.fileno()).st_size < offset:
                await asyncio.to_thread(self._start_again, upload_id)
                raise IllegalMove("What came before is gone: this upload starts again at byte 0.")
            file.truncate(offset)  # what lies beyond was never acknowledged
            file.seek(offset)
            hashed, gathered = self._hashes.pop(upload_id, (0, None))
            digest = hashlib.sha256() if offset == 0 else gathered if hashed == offset else None

            def write(block: bytes, at: int) -> None:
                if at < min(HEAD, upload.size):
                    _look_at(os.pread(file.fileno(), HEAD, 0)[:at] + block[:HEAD], upload.size)
                file.write(block)
                if at < HEAD:
                    file.flush()  # what comes next may have to be looked at together with it
                if digest is not None:
                    digest.update(block)

            try:
                async for block in blocks(chunks, BLOCK):
                    if offset + written + len(block) > upload.size:
                        raise BadInput("More bytes came than the file was said to have. Please upload it again.")
                    await _shielded(asyncio.to_thread(write, block, offset + written))
                    written += len(block)
            finally:
                await _shielded(asyncio.to_thread(self._save_offset, upload_id, file, offset + written))
            self._hashes[upload_id] = (offset + written, digest)
        return replace(upload, offset=offset + written)

    def digest(self, upload: UploadRecord) -> str:
        """The sha256 of a whole upload: gathered while it came, or read again after a restart."""
        hashed, digest = self._hashes.get(upload.id, (0, None))
        if digest is not None and hashed == upload.size:
            return str(digest.hexdigest())
        with self._storage.incoming(upload.id).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def drop(self, upload_id: UUID) -> None:
        """Forget the bytes, which are kept elsewhere by now, or given up."""
        self._storage.drop_incoming(upload_id)
        self._hashes.pop(upload_id, None)

    def _require_stands_at(self, user: User, upload_id: UUID, offset: int) -> UploadRecord:
        with self._database.transaction() as connection:
            upload = uploads.find(connection, upload_id, user_id=user.id)
        if upload is None:
            raise no_such_upload()
        if upload.video_id is not None or offset != upload.offset:
            raise IllegalMove(f"This upload stands at byte {upload.offset}, not {offset}: continue from there.")
        return upload

    def _start_again(self, upload_id: UUID) -> None:
        with self._database.transaction() as connection:
            uploads.start_again(connection, upload_id)

    def _save_offset(self, upload_id: UUID, file: IO[bytes], offset: int) -> None:
        file.flush()
        os.fsync(file.fileno())
        with self._database.transaction() as connection:
            uploads.move_offset(connection, upload_id, offset=offset)


def no_such_upload() -> NotFound:
    return NotFound("There is no such upload, or it is not yours. Choose the file again.")


def fingerprint_of(path: Path) -> str:
    """Size and sha256 of the first and last MiB, as the browser takes them."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(FINGERPRINTED)
        file.seek(max(0, size - FINGERPRINTED))
        last = file.read(FINGERPRINTED)
    return f"{size}-{hashlib.sha256(first + last).hexdigest()}"


async def blocks(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The chunks gathered into blocks of about size bytes; what came before an error is yielded first."""
    gathered = bytearray()
    try:
        async for chunk in chunks:
            gathered += chunk
            if len(gathered) >= size:
                yield bytes(gathered)
                gathered.clear()
    except Exception:
        if gathered:
            yield bytes(gathered)
        raise
    if gathered:
        yield bytes(gathered)


def _look_at(head: bytes, size: int) -> None:
    """Raises NoMedia for what is no film, once enough of the file is there to tell."""
    if len(head) >= min(HEAD, size) and (reason := why_not(head)):
        raise NoMedia(reason)


async def _shielded(work: Awaitable[None]) -> None:
    """Wait for work that a cancelled request must not interrupt."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
