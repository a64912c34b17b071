"""Uploads: bytes appended as they come, resumable, accepted in one transaction."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection

from services import idempotency
from services.admission import Admission
from services.begun_uploads import begun_before, note_refusal, require_few_unfinished
from services.database import Database
from services.errors import BadInput, IllegalMove, LimitReached
from services.limits import Limits, spends_request
from services.model import PLAN, JobKind, Priority, User, stages_of
from services.names import clean_file_name, clean_title
from services.permissions import Action, use_case
from services.progress import JobChange, Progress
from services.queue import Queue
from services.receiving import BLOCK, NoMedia, Receiving, fingerprint_of, no_such_upload
from services.records import jobs, quotas, uploads, videos
from services.records.jobs import NewJob
from services.records.uploads import Unfinished, UploadRecord
from services.settings import Settings
from services.storage import LocalStorage
from services.sweeper import Sweeper
from services.tags import clean_tags

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Upload:
    """offset, size and part_size in bytes: send the next part from offset. title and tags are the video's to be."""

    id: UUID
    offset: int
    size: int
    part_size: int
    title: str
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A video of the same user with the same content."""

    video_id: UUID
    title: str
    uploaded_at: datetime


@dataclass(frozen=True, kw_only=True)
class Described:
    title: str
    tags: tuple[str, ...]


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
        progress: Progress,
        limits: Limits,
    ) -> None:
        self._database = database
        self._progress = progress
        self._limits = limits
        self._storage = storage
        self._queue = queue
        self._sweeper = sweeper
        self._settings = settings
        self._admission = admission
        self._receiving = Receiving(database, storage)

    @use_case(Action.UPLOAD)
    def begin(
        self, user: User, *, file_name: str, size: int, fingerprint: str, title: str | None, key: str | None = None
    ) -> Upload:
        """A new upload, or the one that the same file left unfinished.

        With a key, any text of the user's: a new one, or the one that the same key began.

        Raises BadInput for an empty or too large file, LimitReached over the daily quota and with too many unfinished
        ones, Unavailable for a new upload while too much waits or the disk or Redis is nearly full; each refusal is an
        event, but for those of limits. IllegalMove for a key that was used for another file.
        """
        name = clean_file_name(file_name)
        fingerprint = fingerprint[:200]
        asked = {"name": file_name, "size": size, "fingerprint": fingerprint, "title": title}
        creation = None if key is None else idempotency.creation(self._settings, user, "upload", key, asked)
        try:
            self._require_size(size)
            with self._database.transaction() as connection:
                if creation is not None and (begun := begun_before(connection, user, creation)) is not None:
                    return self._as_upload(begun)
                self._limits.require_upload(connection, user)
                unfinished = uploads.find_unfinished(
                    connection, user_id=user.id, fingerprint=fingerprint, size=size, file_name=name
                )
            if creation is None and unfinished is not None and self._has_its_bytes(unfinished):
                return self._as_upload(unfinished)
            self._admission.require(size=size)
            with self._database.transaction() as connection:
                quotas.lock_user(connection, user.id)
                if creation is not None and (begun := begun_before(connection, user, creation)) is not None:
                    return self._as_upload(begun)  # by a call at the same moment
                require_few_unfinished(connection, user)
                upload = uploads.create(
                    connection,
                    upload_id=uuid4() if creation is None else creation.id,
                    user_id=user.id,
                    file_name=name,
                    title=clean_title(title, name),
                    size=size,
                    fingerprint=fingerprint,
                )
        except LimitReached:
            raise  # counted by the minute (services/limits.py): an event each would be without end
        except Exception as refusal:
            with self._database.transaction() as connection:
                note_refusal(connection, user, name, size, str(refusal))
            raise
        return self._as_upload(upload)

    @use_case(Action.UPLOAD)
    def duplicate_of(
        self, user: User, *, file_name: str, size: int, fingerprint: str, key: str | None = None
    ) -> Duplicate | None:
        """The user's newest video with the same content, unless the file is on its way already or the key was used."""
        with self._database.transaction() as connection:
            if key is not None:
                used = idempotency.creation(self._settings, user, "upload", key, {})
                if uploads.find_between(connection, used.first, used.last, user_id=user.id) is not None:
                    return None
            unfinished = uploads.find_unfinished(
                connection,
                user_id=user.id,
                fingerprint=fingerprint[:200],
                size=size,
                file_name=clean_file_name(file_name),
            )
            if unfinished is not None:
                return None
            same = uploads.find_video(connection, user_id=user.id, fingerprint=fingerprint[:200], size=size)
        return None if same is None else Duplicate(video_id=same.id, title=same.title, uploaded_at=same.created_at)

    @use_case(Action.UPLOAD)
    def status(self, user: User, upload_id: UUID) -> Upload:
        """How far an upload is. Raises NotFound."""
        with self._database.transaction() as connection:
            return self._as_upload(self._find(connection, user, upload_id))

    @use_case(Action.UPLOAD)
    async def append(self, user: User, upload_id: UUID, *, offset: int, chunks: AsyncIterator[bytes]) -> Upload:
        """Append bytes from offset on; what arrived is kept also when the connection breaks.

        Raises NotFound, IllegalMove when offset is not where the upload stands or another connection sends it,
        BadInput for more bytes than announced, and for what is neither video nor sound by its first bytes: then the
        upload is discarded. Unavailable when the disk is full.
        """
        try:
            return self._as_upload(await self._receiving.append(user, upload_id, offset=offset, chunks=chunks))
        except NoMedia as refusal:
            await asyncio.to_thread(self._turn_away, user, upload_id, str(refusal))
            raise

    @use_case(Action.UPLOAD)
    def unfinished(self, user: User) -> tuple[Unfinished, ...]:
        """What the user began and did not finish, newest first: the same file again goes on from there."""
        with self._database.transaction() as connection:
            rows = uploads.unfinished(connection, user_id=user.id)
        return tuple(row for row in rows if self._storage.has_incoming(row.id))

    @use_case(Action.UPLOAD)
    def describe(self, user: User, upload_id: UUID, *, title: str | None, tags: Sequence[str] | None) -> Described:
        """Say how the video will be called and found; None leaves it as it is. What stands then.

        Raises NotFound, BadInput for tags that cannot be kept, IllegalMove once it is accepted: from then on title
        and tags are the video's own.
        """
        kept_tags = None if tags is None else clean_tags(list(tags))
        with self._database.transaction() as connection:
            upload = self._find(connection, user, upload_id, lock=True)
            if upload.video_id is not None:
                raise IllegalMove("This upload is accepted: change the title and the tags of the video.")
            described = Described(
                title=upload.title if title is None else clean_title(title, upload.file_name),
                tags=upload.tags if kept_tags is None else tuple(kept_tags),
            )
            uploads.describe(connection, upload_id, title=described.title, tags=described.tags)
        return described

    @use_case(Action.UPLOAD)
    def discard(self, user: User, upload_id: UUID) -> None:
        """Give an upload up and forget its bytes. Raises NotFound, IllegalMove once it is accepted."""
        with self._database.transaction() as connection:
            upload = self._find(connection, user, upload_id, lock=True)
            if upload.video_id is not None:
                raise IllegalMove("This upload is accepted already: it is a video now.")
            uploads.delete(connection, upload_id)
        self._receiving.drop(upload_id)

    @use_case(Action.UPLOAD)
    @spends_request
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
        with self._database.statement() as connection:
            upload = self._find(connection, user, upload_id)
            if upload.video_id is None and upload.offset != upload.size:
                missing = upload.size - upload.offset
                raise IllegalMove(f"{missing} bytes are missing: continue from byte {upload.offset}.")
            if upload.video_id is None:
                self._limits.require_upload(connection, user)  # also here: its bytes are read before it is accepted
        video_id = uuid4()
        key = f"{video_id}/source/{upload_id}"
        digest = ""
        if upload.video_id is None:
            try:
                digest = self._receiving.digest(upload)
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
        if self._queue.try_to_ring(PLAN[stages_of(kind)[0]].queue):
            self._progress.tell([JobChange(job_id=job_id, video_id=video_id)])
        self._receiving.drop(upload_id)
        log.info("upload_accepted", video_id=str(video_id), job_id=str(job_id), size=upload.size)
        return Accepted(video_id=video_id, job_id=job_id)

    @use_case(Action.UPLOAD)
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
        self._limits.require_upload(connection, user)
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
        if upload.tags:
            videos.set_tags(connection, video_id, upload.tags)
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
        return upload.offset == 0 or self._storage.has_incoming(upload.id)

    def _require_size(self, size: int) -> None:
        if size <= 0:
            raise BadInput("This file is empty. Choose the video again, or export it once more.")
        if size > self._settings.upload_size_limit:
            raise BadInput(
                f"This file has {size / 2**30:.1f} GiB; at most {self._settings.upload_size_limit / 2**30:.0f} GiB "
                "can be uploaded. Export it smaller, or cut it in two."
            )

    def _turn_away(self, user: User, upload_id: UUID, reason: str) -> None:
        with self._database.transaction() as connection:
            upload = self._find(connection, user, upload_id, lock=True)
            uploads.delete(connection, upload_id)
            note_refusal(connection, user, upload.file_name, upload.size, reason)
        self._receiving.drop(upload_id)

    def _find(self, connection: Connection, user: User, upload_id: UUID, *, lock: bool = False) -> UploadRecord:
        upload = uploads.find(connection, upload_id, user_id=user.id, lock=lock)
        if upload is None:
            raise no_such_upload()
        return upload

    def _as_upload(self, upload: UploadRecord) -> Upload:
        return Upload(
            id=upload.id,
            offset=upload.offset,
            size=upload.size,
            part_size=self._settings.upload_part_size,
            title=upload.title,
            tags=upload.tags,
        )


__all__ = ["Accepted", "Described", "Duplicate", "Unfinished", "Upload", "Uploads"]
