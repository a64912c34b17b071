"""What the probe says of good files, and which stages it skips."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.stages import probe as stage
from services.errors import PermanentFailure
from services.media.probing import clock, probe
from services.model import StageName
from tests.bad_inputs import ffmpeg
from tests.media import video_sources as sources


def test_tells_what_the_file_is() -> None:
    found = probe(sources.scenes())
    assert (found.container, found.video_codec, found.audio_codec) == ("mov", "h264", "aac")
    assert (found.width, found.height) == (320, 180)
    assert found.duration == pytest.approx(sources.SECONDS, abs=0.1)
    assert found.frame_rate == pytest.approx(25.0)
    assert found.keyframe_gap == pytest.approx(1.0)
    assert found.size_bytes == sources.scenes().stat().st_size
    assert found.has_picture
    assert found.has_sound
    assert found.partial_reason is None
    assert found.bad_packets == 0


def test_size_is_as_shown_when_turned() -> None:
    found = probe(sources.turned())
    assert (found.width, found.height) == (180, 320)


def test_size_is_as_shown_when_pixels_are_not_square() -> None:
    found = probe(sources.stretched())
    assert (found.width, found.height) == (320, 180)


def test_measures_a_file_that_says_no_length() -> None:
    found = probe(sources.without_length())
    assert found.duration == pytest.approx(sources.SECONDS, abs=0.1)
    assert found.partial_reason is None


def test_truncated_matroska_is_partial(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    ffmpeg("-i", str(sources.scenes()), "-c", "copy", str(whole))
    source = tmp_path / "source"
    source.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    found = probe(source)
    assert found.partial_reason is not None
    assert 8.0 < found.duration < 16.0


def test_picture_without_sound_skips_what_needs_words(tmp_path: Path) -> None:
    result = stage.run(sources.context(StageName.PROBE, sources.still(), tmp_path))
    assert set(result.skips) == {StageName.TRANSCRIBE, StageName.ANALYZE, StageName.CLIPS, StageName.POSTS}
    assert all("no sound" in reason for reason in result.skips.values())


def test_cover_art_is_no_picture(tmp_path: Path) -> None:
    result = stage.run(sources.context(StageName.PROBE, sources.song_with_cover(), tmp_path))
    assert set(result.skips) == {StageName.THUMBNAILS, StageName.CLIPS}
    assert all("no picture" in reason for reason in result.skips.values())


def test_full_video_skips_nothing(tmp_path: Path) -> None:
    assert not stage.run(sources.context(StageName.PROBE, sources.scenes(), tmp_path)).skips


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PermanentFailure, match="upload it again"):
        probe(tmp_path / "gone")


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (7.9, "0:07"), (750, "12:30"), (3723, "1:02:03")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
