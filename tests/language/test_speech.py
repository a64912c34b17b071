"""The local speech engine on real speech, noise and silence."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from jobs.stages import transcribe
from services.engines import speech
from services.engines.confidence import DOUBTFUL_NOTE
from services.engines.extractive import LocalLanguage
from services.engines.protocol import Samples
from services.engines.speech import LocalSpeech
from services.errors import JobCancelled, PermanentFailure
from services.media.audio import audio_blocks
from services.model import StageName
from services.outputs import TranscriptOutput
from tests.language.material import SAMPLE_TEXT, SAMPLE_VIDEO, context_of, probe_of, said_by

DURATION = 85.40


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("the local engine opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def engine() -> LocalSpeech:
    return LocalSpeech()


@pytest.fixture(scope="module")
def told() -> list[tuple[float, str]]:
    return []


@pytest.fixture(scope="module")
def transcript(
    engine: LocalSpeech, told: list[tuple[float, str]], tmp_path_factory: pytest.TempPathFactory
) -> TranscriptOutput:
    """The sample through the stage."""
    context = context_of(
        StageName.TRANSCRIBE,
        tmp_path_factory.mktemp("workspace"),
        {StageName.PROBE: probe_of(DURATION)},
        report=lambda percent, message: told.append((percent, message)),
    )
    result = transcribe.run(context, engine=engine)
    assert isinstance(result.output, TranscriptOutput)
    return result.output


def hear(engine: LocalSpeech, sound: Samples) -> TranscriptOutput:
    return engine.transcribe([sound], duration=len(sound) / 16_000, on_progress=lambda seconds: None).output


@pytest.mark.speech
def test_at_most_six_words_in_a_hundred_are_wrong(transcript: TranscriptOutput) -> None:
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normalize = EnglishTextNormalizer()
    error_rate = jiwer.wer(normalize(SAMPLE_TEXT.read_text()), normalize(said_by(transcript)))
    assert error_rate <= 0.06


@pytest.mark.speech
def test_times_follow_one_another_within_the_video(transcript: TranscriptOutput) -> None:
    times = [time for segment in transcript.segments for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= DURATION == transcript.duration
    for segment in transcript.segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
        assert segment.text == " ".join(word.text for word in segment.words)
    assert sum(word.end - word.start < 0.02 for segment in transcript.segments for word in segment.words) <= 2


@pytest.mark.speech
def test_words_are_where_the_sound_is(transcript: TranscriptOutput) -> None:
    """Words of the sample that follow a pause begin at these seconds: measured on its sound."""
    onsets = {"But": 14.10, "Had": 62.21, "He": 68.57, "And": 73.52, "ask": 81.38}
    words = [word for segment in transcript.segments for word in segment.words]
    for text, second in onsets.items():
        assert min(abs(word.start - second) for word in words if word.text == text) < 0.1


@pytest.mark.speech
def test_the_sample_yields_three_clips(transcript: TranscriptOutput) -> None:
    assert len(LocalLanguage().analyze(transcript).output.highlights) >= 3


@pytest.mark.speech
def test_progress_rises_to_the_end(transcript: TranscriptOutput, told: list[tuple[float, str]]) -> None:
    percents = [percent for percent, _ in told]
    assert percents == sorted(percents)
    assert percents[0] == 0.0
    assert percents[-1] == pytest.approx(100.0, abs=0.1)
    assert len({round(percent) for percent in percents}) > 12


@pytest.mark.speech
def test_clear_speech_is_not_doubted(transcript: TranscriptOutput) -> None:
    words = [word for segment in transcript.segments for word in segment.words]
    assert transcript.note is None
    assert sum(word.unsure for word in words) / len(words) < 0.05


@pytest.mark.speech
@pytest.mark.parametrize("kind", ["silence", "noise", "tone", "nothing"])
def test_where_nobody_speaks_nothing_is_heard(engine: LocalSpeech, kind: str) -> None:
    count = 16_000 * 40
    sound = {
        "silence": np.zeros(count, dtype=np.float32),
        "noise": np.random.default_rng(1).normal(0, 0.1, count).astype(np.float32),
        "tone": (0.2 * np.sin(np.arange(count) * 2 * np.pi * 440 / 16_000)).astype(np.float32),
        "nothing": np.empty(0, dtype=np.float32),
    }[kind]
    heard = hear(engine, sound)
    assert heard.segments == ()
    assert heard.note is None


@pytest.mark.speech
def test_what_is_no_english_is_marked(engine: LocalSpeech) -> None:
    """Speech played backwards has the sounds of speech and no words: the model makes up English for it."""
    backwards = np.concatenate(list(audio_blocks(SAMPLE_VIDEO)))[16_000 * 20 :: -1].copy()
    heard = hear(engine, backwards)
    words = [word for segment in heard.segments for word in segment.words]
    assert words
    assert sum(word.unsure for word in words) / len(words) > 0.8
    assert heard.note == DOUBTFUL_NOTE


@pytest.mark.speech
def test_cancelling_ends_the_work_at_once(engine: LocalSpeech) -> None:
    taken = 0

    def blocks():  # type: ignore[no-untyped-def]
        nonlocal taken
        for block in audio_blocks(SAMPLE_VIDEO):
            taken += 1
            yield block

    def stop(seconds: float) -> None:
        if seconds > 0:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        engine.transcribe(blocks(), duration=DURATION, on_progress=stop)
    assert taken <= 2


@pytest.fixture
def model_copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(speech.model_folder(), tmp_path / "model"))


@pytest.mark.parametrize("name", sorted(speech.CHECKSUMS))
def test_a_changed_model_is_refused(model_copy: Path, name: str) -> None:
    file = model_copy / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(PermanentFailure, match=f"{name} is not the one that was reviewed"):
        hear(LocalSpeech(model_copy), np.zeros(16_000, dtype=np.float32))


def test_a_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(PermanentFailure, match="pip install"):
        hear(LocalSpeech(tmp_path), np.zeros(16_000, dtype=np.float32))
