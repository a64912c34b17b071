"""What the Video page shows of how things were made, and its archive, without stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from services.archive import Archive
from services.errors import NotFound
from services.lineage import Lineage, MadeEdit, MadeOutput
from services.model import JobKind, StageName, User
from services.records.lineage import EngineUse

STARTED = datetime(2026, 3, 1, 9, 41, tzinfo=UTC)


def made(stage: StageName, *, superseded: bool = False, cost: str = "0") -> MadeOutput:
    use = EngineUse(
        engine="local",
        model="whisper tiny.en",
        prompt_version="3",
        unit="audio_seconds",
        quantity=25.0,
        cost=Decimal(cost),
    )
    return MadeOutput(
        stage=stage,
        kind=JobKind.PIPELINE,
        asked_by="ana",
        started_at=STARTED + timedelta(minutes=list(StageName).index(stage)),
        waited=0.4,
        took=12.3,
        attempts=1,
        worker="media-1",
        cost=Decimal(cost),
        uses=(use,) if stage in {StageName.TRANSCRIBE, StageName.ANALYZE, StageName.POSTS} else (),
        superseded=superseded,
    )


@dataclass
class FakeLineages:
    lineage: Lineage = field(
        default_factory=lambda: Lineage(
            outputs=(
                made(StageName.PROBE),
                made(StageName.TRANSCRIBE, cost="0.000600"),
                made(StageName.TRANSCRIBE, superseded=True),
                made(StageName.ANALYZE),
            ),
            edits=(
                MadeEdit(
                    stage=StageName.TRANSCRIBE,
                    target="segment:2",
                    editor="ana",
                    at=STARTED,
                    taken_back=False,
                    superseded=False,
                ),
            ),
        )
    )

    def of_video(self, user: User, video_id: UUID) -> Lineage:
        return self.lineage


@dataclass
class FakeArchives:
    """Knows archives by their video; read counts the bytes that were asked for."""

    known: dict[UUID, bytes] = field(default_factory=dict)
    asked: list[tuple[UUID, bool]] = field(default_factory=list)
    read: int = 0

    def open(self, user: User, video_id: UUID, *, source: bool) -> Archive:
        if video_id not in self.known:
            raise NotFound("There is no such video, or it is not yours.")
        self.asked.append((video_id, source))
        content = self.known[video_id]
        return Archive(name="Träiler.zip", size=len(content), chunks=self._chunks(content))

    def _chunks(self, content: bytes) -> Iterator[bytes]:
        for chunk in (content[:10], content[10:]):
            self.read += len(chunk)
            yield chunk
