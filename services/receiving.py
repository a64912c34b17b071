"""The bytes of an upload: appended as they come, looked at, hashed on the way, and synced with their offset."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Sequence
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

BLOCK = 1024 * 1024  # bytes written and hashed at once, off the event loop
SYNCED_AT_ONCE = 16 * 1024 * 1024  # bytes after which the disk is set to work: at the end little is left for it
FINGERPRINTED = 1024 * 1024  # bytes at each end of a file
MOST_HASHES = 1000  # kept of uploads that stand; what is longest untouched is read again when it is whole


class NoMedia(BadInput):
    """The file is no video or sound, by its first bytes: nothing of it is kept."""


class Receiving:
    def __init__(self, database: Database, storage: LocalStorage) -> None:
        self._database = database
        self._storage = storage
        # Bytes hashed so far, by uploads of this process; touched last is last.
        self._hashes: dict[UUID, tuple[int, Any]] = {}

    async def append(self, user: User, upload_id: UUID, *, offset: int, chunks: AsyncIterator[bytes]) -> UploadRecord:
        """Append bytes from offset on; what arrived is kept also when the connection breaks.

        Raises NoMedia before more than a block is kept, NotFound, IllegalMove when offset is not where the upload
        stands or another connection sends it, BadInput for more bytes than announced, Unavailable when the disk is
        full.
        """
        await asyncio.to_thread(self._require_stands_at, user, upload_id, offset)
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

            writer = Writer(file, size=upload.size, at=offset, digest=digest)
            try:
                came = offset
                async for pieces in blocks(chunks, BLOCK):
                    came += sum(map(len, pieces))
                    if came > upload.size:
                        raise BadInput("More bytes came than the file was said to have. Please upload it again.")
                    await writer.put(pieces)
                await writer.settle()
            finally:
                try:
                    await writer.close()
                finally:
                    await _shielded(asyncio.to_thread(self._save_offset, upload_id, file, writer.at))
            self._hashes[upload_id] = (writer.at, digest)
            if len(self._hashes) > MOST_HASHES:
                del self._hashes[next(iter(self._hashes))]
        return replace(upload, offset=writer.at)

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


class Writer:
    """Writes and hashes one block while the next one comes in, and lets the disk begin long before the end.

    at is where the file stands, in bytes. close must be awaited before the file is closed.
    """

    def __init__(self, file: IO[bytes], *, size: int, at: int, digest: Any) -> None:
        self.at = at
        self._file = file
        self._size = size
        self._digest = digest
        self._writing: asyncio.Future[None] | None = None
        self._syncing: asyncio.Future[None] | None = None
        self._synced_at = at

    async def put(self, pieces: Sequence[bytes]) -> None:
        """Write these pieces behind the last ones. Raises what went wrong with the last ones."""
        await self.settle()
        if self.at - self._synced_at >= SYNCED_AT_ONCE and (self._syncing is None or self._syncing.done()):
            self._synced_at = self.at
            self._syncing = asyncio.ensure_future(asyncio.to_thread(os.fdatasync, self._file.fileno()))
        self._writing = asyncio.ensure_future(asyncio.to_thread(self._write, pieces))

    async def settle(self) -> None:
        """Returns when everything is written; raises NoMedia, OSError."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await _shielded(writing)

    async def close(self) -> None:
        """Returns when nothing uses the file any more. Raises as settle, and what the disk said."""
        try:
            await self.settle()
        finally:
            if self._syncing is not None:
                await _shielded(self._syncing)

    def _write(self, pieces: Sequence[bytes]) -> None:
        if self.at < min(HEAD, self._size):
            self._look_at(b"".join(pieces)[:HEAD])
        for piece in pieces:
            self._file.write(piece)
            if self._digest is not None:
                self._digest.update(piece)
        self._file.flush()
        self.at += sum(map(len, pieces))

    def _look_at(self, more: bytes) -> None:
        """Raises NoMedia for what is no film, once enough of the file is there to tell."""
        head = os.pread(self._file.fileno(), HEAD, 0) + more
        if len(head) >= min(HEAD, self._size) and (reason := why_not(head[:HEAD])):
            raise NoMedia(reason)


async def blocks(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[list[bytes]]:
    """The chunks gathered into blocks of about size bytes; what came before an error is yielded first."""
    gathered: list[bytes] = []
    length = 0
    try:
        async for chunk in chunks:
            gathered.append(chunk)
            length += len(chunk)
            if length >= size:
                yield gathered
                gathered, length = [], 0
    except Exception:
        if gathered:
            yield gathered
        raise
    if gathered:
        yield gathered


async def _shielded(work: Awaitable[None]) -> None:
    """Wait for work that a cancelled request must not interrupt."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
