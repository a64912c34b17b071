"""What the tests of speech and language are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from uuid import uuid4

from jobs.contract import StageContext
from services.engines.protocol import Answer, OnProgress, Samples
from services.model import StageName
from services.outputs import Output, ProbeOutput, Segment, TranscriptOutput, Word

SAMPLE_VIDEO = Path("sample/sample.mp4")
SAMPLE_TEXT = Path("sample/transcript.txt")

TALK = """
Today I want to tell you how a small bakery saved its bread. Our bakery sold forty loaves of bread a day, and the
bread was good. The oven was old, the flour was local, and every baker in the bakery knew the dough by hand. But the
bread went stale, and one loaf in three came back to the bakery. Stale bread is money that a baker burns in the oven.
We asked every customer why the loaf came back. They said that the bread was hard by the evening.
Next, let us talk about money. The price of flour rose by twenty percent in a year, and the rent rose too. A loan
from the bank cost more than the rent. Our prices had not changed since the loan. When the price is wrong, every sale
costs you money. We raised the price by fifty cents, and nobody complained about the price. The bank was happy, and so
was the accountant. That was the best decision about money that we ever made.
Finally, let us look at the delivery van. The van drove ninety kilometres each morning, through snow and traffic. The
driver started the van at four, and the last delivery arrived at noon. A route on paper is a terrible route. We gave
the driver a new route with a map, and the van came back two hours earlier. The driver loves the new route. Imagine
what a van can do with two more hours on the road. Thank you for listening, and please visit the road behind our shop.
"""


def transcript_of(
    text: str, *, word_seconds: float = 0.4, pause_seconds: float = 0.3, unsure: bool = False
) -> TranscriptOutput:
    """A transcript that says the text evenly, a segment for each line, a pause after each sentence."""
    time = 0.0
    segments: list[Segment] = []
    for line in filter(str.strip, text.splitlines()):
        words: list[Word] = []
        for token in line.split():
            end = round(time + word_seconds, 3)
            words.append(Word(start=time, end=end, text=token, confidence=0.9, unsure=unsure))
            time = round(end + (pause_seconds if token.endswith((".", "?", "!")) else 0.0), 3)
        said = " ".join(word.text for word in words)
        segments.append(Segment(start=words[0].start, end=words[-1].end, text=said, words=tuple(words), unsure=unsure))
    return TranscriptOutput(
        language="en", duration=round(time + 1.0, 3), segments=tuple(segments), engine="fake", model="fake"
    )


def said_by(transcript: TranscriptOutput) -> str:
    return " ".join(word.text for segment in transcript.segments for word in segment.words)


def probe_of(duration: float) -> ProbeOutput:
    return ProbeOutput(container="mp4", duration=duration, size_bytes=1, has_picture=True, has_sound=True)


def context_of(
    stage: StageName,
    workspace: Path,
    outputs: Mapping[StageName, Output],
    *,
    source: Path = SAMPLE_VIDEO,
    report: Callable[[float, str], None] = lambda percent, message: None,
    title: str = "A talk",
) -> StageContext:
    return StageContext(
        job_id=uuid4(),
        video_id=uuid4(),
        stage=stage,
        title=title,
        find_source=lambda: source,
        make_workspace=lambda: workspace,
        outputs=outputs,
        report=report,
    )


class FakeSpeech:
    """Hears what it was told to hear, after listening to all of the sound."""

    name = "fake"
    model = "fake-1"
    prompt_version = "7"

    def __init__(self, transcript: TranscriptOutput) -> None:
        self._transcript = transcript

    def transcribe(
        self, blocks: Iterable[Samples], *, duration: float, on_progress: OnProgress
    ) -> Answer[TranscriptOutput]:
        seconds = 0.0
        for block in blocks:
            seconds += len(block) / 16_000
            on_progress(seconds)
        return Answer(output=self._transcript, unit="audio_seconds", quantity=seconds)
