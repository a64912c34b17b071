"""What people have, one of each kind, for tests of who may do what with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

from services.bootstrap import Services
from services.model import QueueName, Role, User
from services.passwords import NOBODY
from services.records import users
from services.uploads import Upload
from tests.films import film_of
from tests.integration.recorded import named
from tests.integration.test_recut import recorded
from tests.integration.work import Accepted, accept, claim, finish, lease

SPOKEN = "audience"  # a word of the made transcript, of its posts and of its clips


@dataclass(frozen=True, kw_only=True)
class Processed:
    """A video with everything that is made of one; its files lie in the storage."""

    video_id: UUID
    job_id: UUID
    file_ids: tuple[UUID, ...]
    notification_id: int


class Possessions:
    """Makes what a person has; mark stands in every title and in everything that is said and written."""

    def __init__(self, services: Services, folder: Path, *, mark: str = SPOKEN) -> None:
        self.services = services
        self.mark = mark
        self._folder = folder
        self._processed: dict[int, Processed] = {}

    def person(self, role: Role = Role.CREATOR) -> User:
        name = self.new_name()
        with self.services.database.transaction() as connection:
            user_id = users.create(connection, name=name, role=role, password_hash=NOBODY)
        assert user_id is not None
        return User(id=user_id, name=name, role=role, must_change_password=False)

    def processed(self, owner: User) -> Processed:
        """The same each time."""
        if owner.id not in self._processed:
            self._processed[owner.id] = self._process(owner)
        return self._processed[owner.id]

    def waiting(self, owner: User) -> Accepted:
        """A video of which nothing is made yet."""
        accepted = accept(self.services.database, owner)
        named(self.services.database, accepted, f"{self.mark} waits")
        return accepted

    def stopped(self, owner: User) -> Accepted:
        accepted = self.waiting(owner)
        self.services.operations.cancel(creator(owner), accepted.job_id)
        return accepted

    def upload(self, owner: User, *, sent: bool = True, content: bytes | None = None) -> Upload:
        """An upload that only has to be completed, or of which nothing was sent."""
        body = content or film_of(uuid4().bytes)
        uploads, asker = self.services.uploads, creator(owner)
        upload = uploads.begin(
            asker, file_name="f.mp4", size=len(body), fingerprint=body.hex(), title=f"{self.mark} comes"
        )
        return asyncio.run(uploads.append(asker, upload.id, offset=0, chunks=pieces(body))) if sent else upload

    def film(self) -> Path:
        path = self._folder / f"{uuid4()}.mp4"
        path.write_bytes(film_of(uuid4().bytes))
        return path

    def new_name(self) -> str:
        return f"{self.mark}-{uuid4().hex[:12]}"

    def forget(self) -> None:
        """What was made of videos is not there any more."""
        self._processed.clear()

    def session(self, owner: User) -> UUID:
        return self.services.sessions.open(owner, address="192.0.2.1", user_agent=self.mark)[1].id

    def token(self, owner: User) -> UUID:
        return self.services.tokens.create(owner, name=self.mark, days=1).view.id

    def _process(self, owner: User) -> Processed:
        database, asker = self.services.database, creator(owner)
        accepted = accept(database, owner)
        named(database, accepted, f"{self.mark} film", tags=[self.mark])
        held = {queue: lease() for queue in QueueName}
        while claims := [
            one for queue in QueueName for one in claim(database, held[queue], queue) if one.job_id == accepted.job_id
        ]:
            made = [recorded(one) for one in claims]
            finish(database, [replace(one, data=self._marked(one.data)) for one in made])
        files = self.services.videos.get(asker, accepted.video_id).files
        for file in files:
            path = self._folder / "made"
            path.write_bytes(self.mark.encode())
            self.services.storage.keep(path, file.storage_key)
        return Processed(
            video_id=accepted.video_id,
            job_id=accepted.job_id,
            file_ids=tuple(file.id for file in files),
            notification_id=self.services.notifications.inbox(owner).rows[0].id,
        )

    def _marked(self, data: object) -> dict[str, object]:
        marked = json.loads(json.dumps(data).replace(SPOKEN, self.mark))
        assert isinstance(marked, dict)
        return marked


def creator(user: User) -> User:
    """The same person as they were when they uploaded what they have."""
    return replace(user, role=Role.CREATOR)


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body
