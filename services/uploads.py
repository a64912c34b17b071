"""Uploads: bytes appended as they come, resumable, accepted in one transaction."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection

from services.admission import Admission
from services.database import Database
from services.errors import BadInput, IllegalMove, LimitReached, NotFound
from services.model import PLAN, JobKind, Priority, User, stages_of
from services.permissions import Action, require
from services.queue import Queue
from services.records import events, jobs, quotas, uploads, videos
from services.records.jobs import NewJob
from services.records.uploads import UploadRecord
from services.settings import Settings
from services.storage import LocalStorage, translated_disk_errors
from services.sweeper import Sweeper

BLOCK = 1024 * 1024  # written and hashed at once, off the event loop
FINGERPRINTED = 1024 * 1024  # bytes at each end of a file

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Upload:
    """offset, size and part_size in bytes: send the next part from offset."""

    id: UUID
    offset: int
    size: int
    part_size: int


@dataclass(frozen=True, kw_only=True)
class Accepted:
    video_id: UUID
    job_id: UUID


class Uploads:
    def __init__(
        self,
        database: Database,
        storage: LocalStorage,
        queue: Queue,
        sweeper: Sweeper,
        settings: Settings,
        *,
        admission: Admission,
    ) -> None:
        self._database = database
        self._storage = storage
        self._queue = queue
        self._sweeper = sweeper
        self._settings = settings
        self._admission = admission
        self._hashes: dict[UUID, tuple[int, Any]] = {}  # bytes hashed so far, by uploads of this process

    def begin(self, user: User, *, file_name: str, size: int, fingerprint: str, title: str | None) -> Upload:
        """A new upload, or the one that the same file left unfinished.

        Raises BadInput for an empty or too large file, LimitReached over the daily quota, Unavailable for a new upload
        while too much waits or the disk or Redis is nearly full; each refusal is an event.
        """
        require(user, Action.UPLOAD, user.id)
        name = clean_file_name(file_name)
        fingerprint = fingerprint[:200]
        try:
            self._require_size(size)
            with self._database.transaction() as connection:
                self._require_upload_quota(connection, user)
                unfinished = uploads.find_unfinished(
                    connection, user_id=user.id, fingerprint=fingerprint, size=size, file_name=name
                )
            if unfinished is not None and self._has_its_bytes(unfinished):
                return self._as_upload(unfinished)
            self._admission.require(size=size)
        except Exception as refusal:
            self._tell_refusal(user, name, size, str(refusal))
            raise
        upload_id = uuid4()
        with self._database.transaction() as connection:
            uploads.create(
                connection,
                upload_id=upload_id,
                user_id=user.id,
                file_name=name,
                title=clean_title(title, name),
                size=size,
                fingerprint=fingerprint,
            )
        return Upload(id=upload_id, offset=0, size=size, part_size=self._settings.upload_part_size)

    def status(self, user: User, upload_id: UUID) -> Upload:
        """How far an upload is. Raises NotFound."""
        with self._database.transaction() as connection:
            return self._as_upload(self._find(connection, user, upload_id))

    async def append(self, user: User, upload_id: UUID, *, offset: int, chunks: AsyncIterator[bytes]) -> Upload:
        """Append bytes from offset on; what arrived is kept also when the connection breaks.

        Raises NotFound, IllegalMove when offset is not where the upload stands or another connection sends it,
        BadInput for more bytes than announced, Unavailable when the disk is full.
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

            def write(block: bytes) -> None:
                file.write(block)
                if digest is not None:
                    digest.update(block)

            try:
                async for block in blocks(chunks, BLOCK):
                    if offset + written + len(block) > upload.size:
                        raise BadInput("More bytes came than the file was said to have. Please upload it again.")
                    await _shielded(asyncio.to_thread(write, block))
                    written += len(block)
            finally:
                await _shielded(asyncio.to_thread(self._save_offset, upload_id, file, offset + written))
            self._hashes[upload_id] = (offset + written, digest)
        return Upload(
            id=upload_id, offset=offset + written, size=upload.size, part_size=self._settings.upload_part_size
        )

    def complete(
        self,
        user: User,
        upload_id: UUID,
        *,
        kind: JobKind = JobKind.PIPELINE,
        priority: Priority = Priority.INTERACTIVE,
    ) -> Accepted:
        """Accept a whole upload: video, job, stages, quota and event in one transaction, then ring.

        Repeating it answers the same. Raises NotFound, IllegalMove when bytes are missing, LimitReached.
        """
        upload = self._find_own(user, upload_id)
        if upload.video_id is None and upload.offset != upload.size:
            raise IllegalMove(f"{upload.size - upload.offset} bytes are missing: continue from byte {upload.offset}.")
        video_id = uuid4()
        key = f"{video_id}/source/{upload_id}"
        digest = ""
        if upload.video_id is None:
            try:
                digest = self._digest(upload)
                self._storage.keep_incoming(upload_id, key)
            except FileNotFoundError:
                pass  # a call at the same moment completed it: the row says so below
        try:
            with self._database.transaction() as connection:
                upload = self._find(connection, user, upload_id, lock=True)
                if upload.video_id is None:
                    if not digest:
                        raise IllegalMove(
                            "What came before is gone. Choose the file again: it starts from its first byte."
                        )
                    job_id = self._accept(
                        connection,
                        user,
                        upload,
                        video_id=video_id,
                        key=key,
                        digest=digest,
                        kind=kind,
                        priority=priority,
                    )
                else:  # by an earlier call, whose answer or ring may have been lost
                    video_id, job_id = upload.video_id, jobs.of_video(connection, upload.video_id)[-1].id
        finally:
            self._sweeper.arm()  # also after a commit that nobody knows of
        self._queue.try_to_ring(PLAN[stages_of(kind)[0]].queue)
        self._storage.drop_incoming(upload_id)
        self._hashes.pop(upload_id, None)
        log.info("upload_accepted", video_id=str(video_id), job_id=str(job_id), size=upload.size)
        return Accepted(video_id=video_id, job_id=job_id)

    def accept_file(
        self,
        user: User,
        path: Path,
        *,
        title: str | None,
        kind: JobKind,
        priority: Priority = Priority.INTERACTIVE,
        sent: Callable[[int], None] = lambda offset: None,
    ) -> Accepted:
        """Upload a local file as the page would. sent is told the bytes so far. Raises as begin and complete do."""
        try:
            size = path.stat().st_size
            fingerprint = fingerprint_of(path)
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}.") from error

        async def send(offset: int) -> Upload:
            async def chunks() -> AsyncIterator[bytes]:
                at = offset
                with path.open("rb") as file:
                    file.seek(offset)
                    while block := file.read(BLOCK):
                        yield block
                        at += len(block)
                        sent(at)

            return await self.append(user, upload.id, offset=offset, chunks=chunks())

        upload = self.begin(user, file_name=path.name, size=size, fingerprint=fingerprint, title=title)
        if upload.offset < size:
            upload = asyncio.run(send(upload.offset))
        return self.complete(user, upload.id, kind=kind, priority=priority)

    def _accept(
        self,
        connection: Connection,
        user: User,
        upload: UploadRecord,
        *,
        video_id: UUID,
        key: str,
        digest: str,
        kind: JobKind,
        priority: Priority,
    ) -> UUID:
        quotas.lock_user(connection, user.id)
        self._require_upload_quota(connection, user)
        job_id = uuid4()
        media_type = mimetypes.guess_type(upload.file_name)[0] or "application/octet-stream"
        if not media_type.startswith(("video/", "audio/")):
            media_type = "application/octet-stream"
        videos.create(
            connection,
            video_id=video_id,
            user_id=user.id,
            title=upload.title,
            file_name=upload.file_name,
            size=upload.size,
            sha256=digest,
        )
        videos.add_source(connection, video_id=video_id, storage_key=key, media_type=media_type, size=upload.size)
        quotas.use_upload(connection, user.id, video_id=video_id)
        job = NewJob(
            id=job_id,
            video_id=video_id,
            user_id=user.id,
            submitter_id=user.id,
            kind=kind,
            recorded=(),
            priority=priority,
        )
        jobs.accept(connection, job, jobs_per_hour=self._settings.jobs_per_hour, actor=f"user:{user.id}")
        uploads.set_video(connection, upload.id, video_id=video_id)
        return job_id

    def _has_its_bytes(self, upload: UploadRecord) -> bool:
        return upload.offset == 0 or self._storage.incoming(upload.id).exists()

    def _require_size(self, size: int) -> None:
        if size <= 0:
            raise BadInput("This file is empty. Choose the video again, or export it once more.")
        if size > self._settings.upload_size_limit:
            raise BadInput(
                f"This file has {size / 2**30:.1f} GiB; at most {self._settings.upload_size_limit / 2**30:.0f} GiB "
                "can be uploaded. Export it smaller, or cut it in two."
            )

    def _require_upload_quota(self, connection: Connection, user: User) -> None:
        wait = quotas.uploads_free_in(connection, user.id, per_day=self._settings.uploads_per_day)
        if wait > 0:
            raise LimitReached(
                f"You have uploaded {self._settings.uploads_per_day} videos within a day. "
                f"The next one fits in {max(1, round(wait / 60))} min.",
                retry_after=wait,
            )

    def _tell_refusal(self, user: User, file_name: str, size: int, reason: str) -> None:
        with self._database.transaction() as connection:
            events.append(
                connection,
                actor=f"user:{user.id}",
                action="upload refused",
                user_id=user.id,
                reason=reason,
                details={"file_name": file_name, "size": size},
            )

    def _find_own(self, user: User, upload_id: UUID) -> UploadRecord:
        with self._database.transaction() as connection:
            return self._find(connection, user, upload_id)

    def _find(self, connection: Connection, user: User, upload_id: UUID, *, lock: bool = False) -> UploadRecord:
        upload = uploads.find(connection, upload_id, user_id=user.id, lock=lock)
        if upload is None:
            raise NotFound("There is no such upload, or it is not yours. Choose the file again.")
        return upload

    def _require_stands_at(self, user: User, upload_id: UUID, offset: int) -> UploadRecord:
        upload = self._find_own(user, upload_id)
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

    def _digest(self, upload: UploadRecord) -> str:
        """The sha256 of the file: gathered while it came, or read again after a restart."""
        hashed, digest = self._hashes.get(upload.id, (0, None))
        if digest is not None and hashed == upload.size:
            return str(digest.hexdigest())
        with self._storage.incoming(upload.id).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _as_upload(self, upload: UploadRecord) -> Upload:
        return Upload(id=upload.id, offset=upload.offset, size=upload.size, part_size=self._settings.upload_part_size)


def clean_file_name(name: str) -> str:
    """The last part of a name as a person may read it: no folders, no control or direction marks, 255 bytes."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(character for character in last if character.isprintable()).strip()
    return shown.encode()[:255].decode(errors="ignore") or "video"


def clean_title(title: str | None, file_name: str) -> str:
    """What the uploader wrote, or the file's name without its ending."""
    shown = "".join(character for character in (title or "") if character.isprintable()).strip()
    return (shown or Path(file_name).stem)[:200]


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


async def _shielded(work: Awaitable[None]) -> None:
    """Wait for work that a cancelled request must not interrupt."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
