"""The three stages with a fake engine, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.stages import analyze, posts, transcribe
from services.errors import JobCancelled, PermanentFailure
from services.model import StageName
from services.outputs import AnalysisOutput, PostsOutput, TranscriptOutput
from tests.language.material import TALK, FakeSpeech, context_of, probe_of, transcript_of

SILENT = TranscriptOutput(language="en", duration=107, segments=(), engine="fake", model="fake")


def test_progress_tells_the_time_that_was_heard(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    context = context_of(
        StageName.TRANSCRIBE,
        tmp_path,
        {StageName.PROBE: probe_of(85.4)},
        report=lambda percent, message: told.append((percent, message)),
    )
    result = transcribe.run(context, engine=FakeSpeech(transcript_of(TALK)))
    percents = [percent for percent, _ in told]
    assert percents == sorted(percents)
    assert told[0] == (0.0, "Transcribing 0:00 of 1:25")
    assert told[1] == (pytest.approx(100 * 30 / 85.4), "Transcribing 0:30 of 1:25")
    assert percents[-1] == 100.0
    assert result.skips == {}
    (call,) = result.calls
    assert (call.engine, call.model, call.prompt_version, call.unit) == ("fake", "fake-1", "7", "audio_seconds")
    assert call.quantity == pytest.approx(85.4, abs=0.1)


def test_without_speech_what_needs_words_is_skipped(tmp_path: Path) -> None:
    context = context_of(StageName.TRANSCRIBE, tmp_path, {StageName.PROBE: probe_of(107)})
    result = transcribe.run(context, engine=FakeSpeech(SILENT))
    reason = "No speech was found."
    assert result.output == SILENT
    assert result.skips == {StageName.ANALYZE: reason, StageName.CLIPS: reason, StageName.POSTS: reason}


def test_a_cancelled_job_stops(tmp_path: Path) -> None:
    calls = 0

    def report(percent: float, message: str) -> None:
        nonlocal calls
        calls += 1
        if percent > 20:
            raise JobCancelled

    context = context_of(StageName.TRANSCRIBE, tmp_path, {StageName.PROBE: probe_of(107)}, report=report)
    with pytest.raises(JobCancelled):
        transcribe.run(context, engine=FakeSpeech(SILENT))
    assert calls == 2


def test_analysis_and_posts_follow_from_the_transcript(tmp_path: Path) -> None:
    outputs = {StageName.TRANSCRIBE: transcript_of(TALK)}
    analyzed = analyze.run(context_of(StageName.ANALYZE, tmp_path, outputs))
    assert isinstance(analyzed.output, AnalysisOutput)
    assert analyzed.skips == {}
    written = posts.run(
        context_of(StageName.POSTS, tmp_path, {**outputs, StageName.ANALYZE: analyzed.output}, title="Bread")
    )
    assert isinstance(written.output, PostsOutput)
    assert "Bread" in written.output.titles
    for call in (*analyzed.calls, *written.calls):
        assert (call.engine, call.model, call.unit, call.cost) == ("local", "extractive-1", "characters", 0)
        assert call.quantity == pytest.approx(len(TALK), abs=30)


def test_too_little_speech_for_a_clip(tmp_path: Path) -> None:
    result = analyze.run(context_of(StageName.ANALYZE, tmp_path, {StageName.TRANSCRIBE: transcript_of("Hello there.")}))
    assert result.skips == {StageName.CLIPS: "There is no passage of 15 to 60 seconds to cut."}


@pytest.mark.parametrize("stage", [analyze, posts])
def test_a_stage_without_its_input_says_what_to_do(stage, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(PermanentFailure, match="first"):
        stage.run(context_of(StageName.ANALYZE, tmp_path, {}))


def test_importing_the_stages_loads_no_model() -> None:
    heavy = {"faster_whisper", "ctranslate2", "onnxruntime", "yake", "py3langid", "vaderSentiment"}
    check = (
        "import sys, jobs.stages.transcribe, jobs.stages.analyze, jobs.stages.posts; "
        f"print(*{heavy} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
