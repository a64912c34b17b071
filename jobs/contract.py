"""What a stage gets and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import UUID

from services.errors import PermanentFailure
from services.model import StageName
from services.outputs import Output

Shape = TypeVar("Shape", bound=Output)


class Report(Protocol):
    """Says how far a stage is.

    percent is 0 to 100 of this stage; message is for people ("Transcribing: 1:20 of 10:00").
    Raises JobCancelled when the stage must stop: call it at least every half second of work.
    """

    def __call__(self, percent: float, message: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class StageContext:
    """One attempt of one stage.

    source is the uploaded file, readable; its name on disk is made by the server. workspace is a private, empty folder
    that is removed afterwards. Both are got when they are first asked for. outputs holds what the stages of this
    video recorded last; options are what the job was asked for beyond its kind.
    """

    job_id: UUID
    video_id: UUID
    stage: StageName
    title: str
    find_source: Callable[[], Path]
    make_workspace: Callable[[], Path]
    outputs: Mapping[StageName, Output]
    report: Report
    options: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def source(self) -> Path:
        return self.find_source()

    @cached_property
    def workspace(self) -> Path:
        return self.make_workspace()

    def recorded(self, name: StageName, shape: type[Shape]) -> Shape:
        """What an earlier stage recorded. Raises PermanentFailure when it recorded nothing."""
        output = self.outputs.get(name)
        if not isinstance(output, shape):
            raise PermanentFailure(
                f"This video has no result of the stage {name} yet. Run that first, then try this again."
            )
        return output


@dataclass(frozen=True, kw_only=True)
class ProducedFile:
    """A file in the workspace that becomes part of the output. role and position name it within the video."""

    path: Path
    role: str  # thumbnail, clip_portrait, clip_landscape, ...
    position: int
    media_type: str


@dataclass(frozen=True, kw_only=True)
class EngineCall:
    """One use of an engine, for lineage and cost. quantity is counted in unit."""

    engine: str
    model: str
    prompt_version: str | None
    unit: str  # audio_seconds, characters, tokens
    quantity: float
    cost: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class StageResult:
    output: Output
    files: tuple[ProducedFile, ...] = ()
    skips: Mapping[StageName, str] = field(default_factory=dict)  # later stages that make no sense, and why
    calls: tuple[EngineCall, ...] = ()
