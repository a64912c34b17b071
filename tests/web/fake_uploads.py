"""Uploads that are kept in memory, for the tests of routes and pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.errors import BadInput, IllegalMove, NotFound
from services.media.magic import HEAD, why_not
from services.model import User
from services.tags import clean_tags
from services.uploads import Accepted, Described, Duplicate, Unfinished, Upload

PART = 1024 * 1024


@dataclass
class FakeUpload:
    file_name: str
    size: int
    fingerprint: str
    title: str
    tags: tuple[str, ...] = ()
    received: bytearray = field(default_factory=bytearray)
    accepted: Accepted | None = None


@dataclass
class FakeUploads:
    kept: dict[UUID, FakeUpload] = field(default_factory=dict)
    most_at_once: int = 0

    @property
    def received(self) -> dict[UUID, bytearray]:
        return {upload_id: upload.received for upload_id, upload in self.kept.items()}

    def begin(
        self, user: User, *, file_name: str, size: int, fingerprint: str, title: str | None, key: str | None = None
    ) -> Upload:
        if size == 0:
            raise BadInput("This file is empty. Choose the video again, or export it once more.")
        for upload_id, upload in self.kept.items():
            if (upload.file_name, upload.fingerprint, upload.accepted) == (file_name, fingerprint, None):
                return self.status(user, upload_id)
        upload_id = uuid4()
        self.kept[upload_id] = FakeUpload(
            file_name=file_name, size=size, fingerprint=fingerprint, title=title or file_name.removesuffix(".mp4")
        )
        return self.status(user, upload_id)

    def duplicate_of(
        self, user: User, *, file_name: str, size: int, fingerprint: str, key: str | None = None
    ) -> Duplicate | None:
        same = [upload for upload in self.kept.values() if (upload.size, upload.fingerprint) == (size, fingerprint)]
        for upload in same:
            if upload.accepted and all(other.accepted for other in same):
                return Duplicate(
                    video_id=upload.accepted.video_id, title=upload.title, uploaded_at=datetime(2026, 1, 2, tzinfo=UTC)
                )
        return None

    def unfinished(self, user: User) -> tuple[Unfinished, ...]:
        return tuple(
            Unfinished(
                id=upload_id,
                file_name=upload.file_name,
                size=upload.size,
                offset=len(upload.received),
                touched_at=datetime.now(UTC),
            )
            for upload_id, upload in self.kept.items()
            if upload.received and not upload.accepted
        )

    def status(self, user: User, upload_id: UUID) -> Upload:
        upload = self._find(upload_id)
        return Upload(
            id=upload_id,
            offset=len(upload.received),
            size=upload.size,
            part_size=PART,
            title=upload.title,
            tags=upload.tags,
        )

    async def append(self, user: User, upload_id: UUID, *, offset: int, chunks: AsyncIterator[bytes]) -> Upload:
        upload = self._find(upload_id)
        stands = len(upload.received)
        if stands != offset:
            raise IllegalMove(f"This upload stands at byte {stands}, not {offset}: continue from there.")
        async for chunk in chunks:
            self.most_at_once = max(self.most_at_once, len(chunk))
            upload.received += chunk
            if len(upload.received) >= min(HEAD, upload.size) and (reason := why_not(bytes(upload.received[:HEAD]))):
                del self.kept[upload_id]
                raise BadInput(reason)
        return self.status(user, upload_id)

    def describe(self, user: User, upload_id: UUID, *, title: str | None, tags: Sequence[str] | None) -> Described:
        upload = self._find(upload_id)
        upload.title = upload.title if title is None else title
        upload.tags = upload.tags if tags is None else tuple(clean_tags(list(tags)))
        return Described(title=upload.title, tags=upload.tags)

    def discard(self, user: User, upload_id: UUID) -> None:
        del self.kept[self._checked(upload_id)]

    def complete(self, user: User, upload_id: UUID) -> Accepted:
        upload = self._find(upload_id)
        if len(upload.received) != upload.size:
            raise IllegalMove(f"{upload.size - len(upload.received)} bytes are missing.")
        upload.accepted = upload.accepted or Accepted(video_id=uuid4(), job_id=uuid4())
        return upload.accepted

    def _find(self, upload_id: UUID) -> FakeUpload:
        return self.kept[self._checked(upload_id)]

    def _checked(self, upload_id: UUID) -> UUID:
        if upload_id not in self.kept:
            raise NotFound("There is no such upload, or it is not yours. Choose the file again.")
        return upload_id
