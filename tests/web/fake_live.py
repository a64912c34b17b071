"""A hub without stores: it shows what the test gives it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from uuid import UUID

from services.live import Viewer
from services.model import User


@dataclass
class FakeLive:
    jobs: list[dict[str, object]] = field(default_factory=list)
    viewers: list[Viewer] = field(default_factory=list)
    asked_for: list[UUID] = field(default_factory=list)

    def join(
        self, user: User, wake: Callable[[], None], *, also: Collection[UUID] = (), only: UUID | None = None
    ) -> Viewer:
        viewer = Viewer(user, wake, only=only)
        self.viewers.append(viewer)
        self.asked_for += also
        viewer.say(_event("snapshot", {"source": "live", "jobs": self.jobs}), instead=True)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        self.viewers.remove(viewer)

    def tell(self, job_id: UUID, job: dict[str, object]) -> None:
        """Everybody is offered this job."""
        for viewer in self.viewers:
            viewer.offer(job_id, _event("job", job))


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
