"""How everything that there is of a video came to be: which engine, when, for how much, and who changed it since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.database import Database
from services.model import PLAN, JobKind, StageName, User
from services.permissions import Action, use_case
from services.records import edits, lineage
from services.records.edits import PastEdit
from services.records.lineage import EngineUse, OutputLine
from services.videos import visible_video

MOST_EDITS = 500


@dataclass(frozen=True, kw_only=True)
class MadeOutput:
    """One output. waited and took are in seconds; superseded says that a newer one stands in its place."""

    stage: StageName
    kind: JobKind
    asked_by: str | None
    started_at: datetime
    waited: float
    took: float
    attempts: int
    worker: str
    cost: Decimal
    uses: tuple[EngineUse, ...]
    superseded: bool


@dataclass(frozen=True, kw_only=True)
class MadeEdit:
    """What a person changed of an output; taken_back says that it is again as it was made."""

    stage: StageName
    target: str
    editor: str
    at: datetime
    taken_back: bool
    superseded: bool


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """outputs are in the order of the plan, of each stage newest first; edits newest first."""

    outputs: tuple[MadeOutput, ...]
    edits: tuple[MadeEdit, ...]

    @property
    def cost(self) -> Decimal:
        return sum((output.cost for output in self.outputs), Decimal(0))


class Lineages:
    def __init__(self, database: Database) -> None:
        self._database = database

    @use_case(Action.SEE)
    def of_video(self, user: User, video_id: UUID) -> Lineage:
        """Raises NotFound."""
        with self._database.transaction() as connection:
            visible_video(connection, user, video_id)
            lines = lineage.of_video(connection, video_id)
            changes = edits.of_video(connection, video_id, limit=MOST_EDITS)
        newest = {line.name: line.stage_id for line in reversed(lines)}
        places = list(PLAN)
        ordered = sorted(lines, key=lambda line: places.index(line.name))  # stable: newest first within a stage
        names = {line.stage_id: line.name for line in lines}
        return Lineage(
            outputs=tuple(_output(line, superseded=newest[line.name] != line.stage_id) for line in ordered),
            edits=tuple(_edit(edit, names[edit.stage_id]) for edit in changes if edit.stage_id in names),
        )


def _output(line: OutputLine, *, superseded: bool) -> MadeOutput:
    return MadeOutput(
        stage=line.name,
        kind=line.kind,
        asked_by=line.asked_by,
        started_at=line.started_at,
        waited=max((line.started_at - line.ready_at).total_seconds(), 0.0),
        took=(line.finished_at - line.started_at).total_seconds(),
        attempts=line.attempts,
        worker=line.worker,
        cost=line.cost,
        uses=line.uses,
        superseded=superseded,
    )


def _edit(edit: PastEdit, stage: StageName) -> MadeEdit:
    return MadeEdit(
        stage=stage,
        target=edit.target,
        editor=edit.editor,
        at=edit.at,
        taken_back=edit.value is None,
        superseded=not edit.stands,
    )
