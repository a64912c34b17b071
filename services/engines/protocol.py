"""What an engine does. The local engine needs no key and no network; another one only has to fit these shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.outputs import AnalysisOutput, PostsOutput, TranscriptOutput

Samples = NDArray[np.float32]  # mono, 16,000 a second, -1 to 1
OnProgress = Callable[[float], None]  # called with the seconds of audio done; may raise to stop the work

Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[Made]):
    """What an engine made, and what it used up: quantity is counted in unit, cost is in dollars."""

    output: Made
    unit: str  # audio_seconds, characters, tokens
    quantity: float
    cost: Decimal = Decimal(0)


class SpeechEngine(Protocol):
    """Turns sound into words."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def prompt_version(self) -> str | None: ...

    def transcribe(
        self, blocks: Iterable[Samples], *, duration: float, on_progress: OnProgress
    ) -> Answer[TranscriptOutput]:
        """The words of gapless blocks that start at second 0 of a video of `duration` seconds.

        Raises TransientFailure or PermanentFailure, and whatever on_progress raises.
        """
        ...


class LanguageEngine(Protocol):
    """Turns words into what can be read and posted."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def prompt_version(self) -> str | None: ...

    def analyze(self, transcript: TranscriptOutput) -> Answer[AnalysisOutput]:
        """Summary, chapters, keywords, quotes, highlights and mood. Raises TransientFailure or PermanentFailure."""
        ...

    def write_posts(self, title: str, transcript: TranscriptOutput, analysis: AnalysisOutput) -> Answer[PostsOutput]:
        """Drafts for each network, titles and hashtags. Raises TransientFailure or PermanentFailure."""
        ...
