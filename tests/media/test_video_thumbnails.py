"""Thumbnails: distinct, neither black nor blurred, upright, one picked; and the scene changes."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy
import pytest
from PIL import Image

from jobs.contract import StageResult
from jobs.stages import thumbnails
from services.errors import JobCancelled
from services.media.frames import Look, survey
from services.model import StageName
from services.outputs import ThumbnailsOutput
from tests.bad_inputs import BAD_INPUTS, ffmpeg
from tests.media import video_sources as sources


def made(source: Path, workspace: Path) -> tuple[StageResult, ThumbnailsOutput]:
    result = thumbnails.run(sources.context(StageName.THUMBNAILS, source, workspace))
    assert isinstance(result.output, ThumbnailsOutput)
    return result, result.output


def pictures(result: StageResult, role: str = "thumbnail") -> list[sources.Picture]:
    return [numpy.asarray(Image.open(file.path).convert("RGB")) for file in result.files if file.role == role]


@pytest.mark.parametrize("keyframes", [25, 1000])
def test_six_distinct_pictures_that_show_something(keyframes: int, tmp_path: Path) -> None:
    """With keyframes each second, and with a single one, where the frames between are looked at."""
    result, output = made(sources.scenes(keyframes=keyframes), tmp_path)
    assert len(output.thumbnails) == 6
    shown = pictures(result)
    for one, other in itertools.combinations(shown, 2):
        assert numpy.abs(one.astype(float) - other).mean() > 5.0
    assert min(picture.mean() for picture in shown) > 40
    for thumbnail in output.thumbnails:
        assert not 3 <= thumbnail.at < 6, "a black frame"
        assert not 9 <= thumbnail.at < 12, "a blurred frame"
    assert [thumbnail.picked for thumbnail in output.thumbnails].count(True) == 1
    assert all(thumbnail.reason for thumbnail in output.thumbnails)


def test_files_belong_to_the_positions(tmp_path: Path) -> None:
    result, output = made(sources.scenes(), tmp_path)
    files = [file for file in result.files if file.role == "thumbnail"]
    assert [file.position for file in files] == [thumbnail.position for thumbnail in output.thumbnails]
    assert {file.media_type for file in result.files} == {"image/jpeg"}
    for file, thumbnail in zip(files, output.thumbnails, strict=True):
        picture = Image.open(file.path)
        assert (picture.format, picture.size) == ("JPEG", (thumbnail.width, thumbnail.height))
        there = sources.picture_at(sources.scenes(), thumbnail.at)
        assert numpy.abs(numpy.asarray(picture).astype(float) - there).mean() < 6.0


def test_each_has_a_small_one_for_lists(tmp_path: Path) -> None:
    source = tmp_path / "large.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=5:duration=4", *sources.ENCODED, str(source))
    result, output = made(source, tmp_path)
    small = [file for file in result.files if file.role == "thumbnail_small"]
    assert [file.position for file in small] == [thumbnail.position for thumbnail in output.thumbnails]
    for file, large in zip(small, pictures(result), strict=True):
        picture = Image.open(file.path)
        assert (picture.format, picture.size) == ("JPEG", (480, 270))
        shrunk = numpy.asarray(Image.fromarray(large).resize((480, 270)))
        assert numpy.abs(numpy.asarray(picture.convert("RGB")).astype(float) - shrunk).mean() < 6.0
        assert file.path.stat().st_size < 60_000


def test_still_video_gives_one_picture(tmp_path: Path) -> None:
    _, output = made(sources.still(), tmp_path)
    assert len(output.thumbnails) == 1
    assert output.thumbnails[0].picked


def test_black_video_gives_none(tmp_path: Path) -> None:
    result, output = made(sources.black(), tmp_path)
    assert output.thumbnails == ()
    assert result.files == ()


def look(at: float, *, sharpness: float = 100.0, brightness: float = 120.0, contrast: float = 50.0) -> Look:
    """A good frame that differs from those of every other time."""
    small = numpy.full((36, 64, 3), at * 10, dtype=numpy.uint8)
    return Look(at=at, sharpness=sharpness, brightness=brightness, contrast=contrast, small=small)


@pytest.mark.parametrize("fault", [{"brightness": 10.0}, {"brightness": 250.0}, {"contrast": 2.0}, {"sharpness": 20.0}])
def test_a_faulty_frame_is_never_chosen(fault: dict[str, float]) -> None:
    good = [look(at) for at in (1.0, 2.0, 3.0)]
    assert thumbnails.choose([*good, look(4.0, **fault)], 6.0) == good


def test_the_sharpest_come_first_and_from_all_over_the_video() -> None:
    looks = [look(at, sharpness=100.0 + at) for at in range(24)]
    assert [round(chosen.at) for chosen in thumbnails.choose(looks, 24.0)] == [13, 15, 17, 19, 21, 23]


def test_turned_video_is_upright(tmp_path: Path) -> None:
    result, output = made(sources.turned(), tmp_path)
    upright = tmp_path / "upright.png"
    ffmpeg("-i", str(sources.turned()), "-ss", str(output.thumbnails[0].at), "-frames:v", "1", str(upright))
    wanted = numpy.asarray(Image.open(upright).convert("RGB"))
    assert wanted.shape == (320, 180, 3)
    assert numpy.abs(pictures(result)[0].astype(float) - wanted).mean() < 6.0


def test_large_video_is_made_1280_wide(tmp_path: Path) -> None:
    source = tmp_path / "large.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=5:duration=1", *sources.ENCODED, str(source))
    _, output = made(source, tmp_path)
    assert (output.thumbnails[0].width, output.thumbnails[0].height) == (1280, 720)


@pytest.mark.parametrize("keyframes", [25, 1000])
def test_finds_the_scene_changes(keyframes: int) -> None:
    cuts = survey(sources.scenes(keyframes=keyframes), sources.SECONDS, pulse=lambda at: None).scene_cuts
    assert [round(cut) for cut in cuts] == [3, 6, 9, 12, 15, 18, 21]
    assert all(abs(cut - round(cut)) < 0.13 for cut in cuts)


def test_truncated_video_still_gives_pictures(tmp_path: Path) -> None:
    source = tmp_path / "source"
    BAD_INPUTS["truncated"].make(source)
    _, output = made(source, tmp_path)
    assert output.thumbnails
    assert all(thumbnail.at < 13 for thumbnail in output.thumbnails)


def test_cancel_ends_the_survey(tmp_path: Path) -> None:
    calls: list[float] = []

    def report(percent: float, message: str) -> None:
        calls.append(percent)
        if percent > 20:
            raise JobCancelled("You cancelled this job.")

    with pytest.raises(JobCancelled):
        thumbnails.run(sources.context(StageName.THUMBNAILS, sources.scenes(), tmp_path, report=report))
    assert calls == sorted(calls)
    assert not list(tmp_path.iterdir())
