"""Clips: cut between words, playable, of the right shape, captioned; and gone at once when cancelled."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path

import av
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jobs.contract import ProducedFile, Report, StageContext, StageResult
from jobs.stages import clips
from services.cuts import LONGEST
from services.errors import JobCancelled, PermanentFailure
from services.media.rendering import Passage, Shape, render
from services.model import StageName
from services.outputs import ClipsOutput, Output, ThumbnailsOutput, Word
from tests.media import video_sources as sources

SPOKEN = sources.words("the first hundred users matter more than anything else you do this year " * 3)
PASSAGES = (sources.highlight(2.0, 6.0), sources.highlight(9.0, 12.5), sources.highlight(15.0, 19.0))


def context(
    source: Path, workspace: Path, *, report: Report = lambda percent, message: None, picks: int = 3
) -> StageContext:
    outputs: dict[StageName, Output] = {
        StageName.TRANSCRIBE: sources.transcript(SPOKEN),
        StageName.ANALYZE: sources.analysis(*PASSAGES[:picks]),
        StageName.THUMBNAILS: ThumbnailsOutput(thumbnails=(), scene_cuts=(3.0, 6.0)),
    }
    return sources.context(StageName.CLIPS, source, workspace, outputs=outputs, report=report)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[StageResult, ClipsOutput, list[tuple[float, str]]]:
    said: list[tuple[float, str]] = []
    workspace = tmp_path_factory.mktemp("clips")
    result = clips.run(context(sources.scenes(), workspace, report=lambda *words: said.append(words)))
    assert isinstance(result.output, ClipsOutput)
    return result, result.output, said


def films(result: StageResult) -> list[ProducedFile]:
    return [file for file in result.files if file.media_type == "video/mp4"]


Rendered = tuple[StageResult, ClipsOutput, list[tuple[float, str]]]


def test_three_clips_in_both_shapes_play_to_their_end(rendered: Rendered) -> None:
    result, output, _ = rendered
    assert len(output.clips) == 3
    assert [(file.role, file.position) for file in films(result)] == [
        (role, clip.position) for clip in output.clips for role in ("clip_portrait", "clip_landscape")
    ]
    for file in films(result):
        clip = output.clips[file.position]
        with av.open(str(file.path)) as container:
            pictures = list(container.decode(video=0))
            width, height = pictures[0].width, pictures[0].height
            assert len(pictures) == pytest.approx((clip.end - clip.start) * 25, abs=2)
        with av.open(str(file.path)) as container:
            heard = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
            assert heard == pytest.approx(clip.end - clip.start, abs=0.1)
        assert (width, height) == ((720, 1280) if file.role == "clip_portrait" else (320, 180))
        assert file.media_type == "video/mp4"
        assert file.path.read_bytes().index(b"moov") < file.path.read_bytes().index(b"mdat"), "plays while it loads"


def test_each_film_has_a_picture_of_its_own_beginning(rendered: Rendered) -> None:
    result, _, _ = rendered
    posters = {(file.role, file.position): file.path for file in result.files if file.media_type == "image/jpeg"}
    assert len(posters) == len(films(result))
    for film in films(result):
        with Image.open(posters[f"{film.role}_poster", film.position]) as poster:
            there = Image.fromarray(sources.picture_at(film.path, clips.POSTER_AT)).resize(poster.size)
            assert numpy.abs(numpy.asarray(poster, dtype=float) - numpy.asarray(there)).mean() < 6.0


def test_clips_start_and_end_between_words(rendered: Rendered) -> None:
    for clip in rendered[1].clips:
        assert not any(word.start < edge < word.end for word in SPOKEN for edge in (clip.start, clip.end))
        inside = [word.text for word in SPOKEN if word.start >= clip.start and word.end <= clip.end]
        assert clip.text == " ".join(inside)


def test_clips_show_the_moment_they_name(rendered: Rendered) -> None:
    result, output, _ = rendered
    for file in result.files:
        if file.role == "clip_landscape":
            start = output.clips[file.position].start
            shown = sources.picture_at(file.path, 1.0)
            there = sources.picture_at(sources.scenes(), start + 1.0)
            assert numpy.abs(shown.astype(float) - there).mean() < 10.0


def test_portrait_carries_burned_captions(rendered: Rendered, tmp_path: Path) -> None:
    """Against the same moment rendered without them: much differs where captions stand, nothing elsewhere."""
    result, output, _ = rendered
    clip = output.clips[0]
    passage = Passage(
        source=sources.scenes(),
        start=clip.start,
        end=clip.end,
        width=320,
        height=180,
        frame_rate=25.0,
        has_sound=True,
    )
    render(passage, [Shape(name="bare.mp4", width=720, height=1280)], tmp_path, pulse=lambda done: None)
    bare = sources.picture_at(tmp_path / "bare.mp4", 1.0).astype(float)
    captioned = sources.picture_at(result.files[0].path, 1.0).astype(float)
    differs = numpy.abs(bare - captioned).max(axis=2) > 90
    lower = differs[800:1100]
    assert lower.mean() > 0.02
    assert differs[:700].mean() < 0.001
    gold = (captioned[..., 0] > 200) & (captioned[..., 1] > 160) & (captioned[..., 2] < 110)
    assert (gold & differs)[800:1100].sum() > 200, "the spoken word is highlighted"


def test_progress_rises_to_the_end(rendered: Rendered) -> None:
    percents = [percent for percent, _ in rendered[2]]
    assert percents == sorted(percents)
    assert percents[-1] > 90
    assert rendered[2][-1][1].startswith("Rendering clip 3 of 3")


def test_upright_and_large_sources_take_the_right_shapes(tmp_path: Path) -> None:
    result = clips.run(context(sources.turned(), tmp_path, picks=1))
    sizes = {file.role: sources.picture_at(file.path, 0.5).shape[:2] for file in films(result)}
    assert sizes == {"clip_portrait": (1280, 720), "clip_landscape": (320, 568)}
    whole = sources.picture_at(result.files[0].path, 0.5)
    assert whole[:40].mean() > 20, "an upright video fills the upright clip"


def test_cancel_kills_ffmpeg_within_a_second(tmp_path: Path) -> None:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    seen: list[tuple[int, int]] = []

    def report(percent: float, message: str) -> None:
        running = [int(child) for child in children.read_text().split()]
        names = {child: Path(f"/proc/{child}/comm").read_text() for child in running}
        seen.extend((child, os.getpgid(child)) for child, name in names.items() if name.startswith("ffmpeg"))
        if percent > 0 and seen:
            cancelled.append(time.monotonic())
            raise JobCancelled("You cancelled this job.")

    cancelled: list[float] = []
    source = sources.scenes(1280, 720)
    with pytest.raises(JobCancelled):
        clips.run(context(source, tmp_path, report=report))
    assert time.monotonic() - cancelled[0] < 1.0
    assert seen
    assert all(group == os.getpgid(0) for _, group in seen), "the worker kills its group"
    assert not any(Path(f"/proc/{child}").exists() for child, _ in seen)


def test_picture_that_changes_its_size_does_not_lengthen_the_clip(tmp_path: Path) -> None:
    passage = Passage(
        source=sources.changing_size(), start=1, end=7, width=320, height=180, frame_rate=25, has_sound=True
    )
    render(passage, [Shape(name="x.mp4", width=320, height=180)], tmp_path, pulse=lambda done: None)
    with av.open(str(tmp_path / "x.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == pytest.approx(6 * 25, abs=2)


def test_what_ffmpeg_cannot_read_is_told_plainly(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n")
    passage = Passage(source=source, start=0, end=1, width=320, height=180, frame_rate=25, has_sound=False)
    with pytest.raises(PermanentFailure, match="export the video again"):
        render(passage, [Shape(name="x.mp4", width=320, height=180)], tmp_path, pulse=lambda done: None)


def test_overlapping_highlights_give_one_clip() -> None:
    picked = clips.choose([*PASSAGES[:1], sources.highlight(3.0, 8.0), *PASSAGES[1:]], SPOKEN, 24.0)
    assert [round(cut.words[0].start) for cut in picked] == [2, 9, 15]


def test_too_long_passage_ends_with_a_sentence() -> None:
    spoken = sources.words("one two three four. " * 60)
    (cut,) = clips.choose([sources.highlight(0.0, 120.0)], spoken, 130.0)
    assert cut.end - cut.start <= LONGEST
    assert cut.words[-1].text == "four."
    assert cut.end - cut.start > 50


def test_no_words_no_clips() -> None:
    assert clips.choose(PASSAGES, (), 24.0) == []


def test_nothing_of_another_scene_is_kept() -> None:
    spoken = sources.words("a b c d e f g h", start=2.0, pause=0.6)
    (plain,) = clips.choose([sources.highlight(2.9, 6.0)], spoken, 24.0)
    (cut,) = clips.choose([sources.highlight(2.9, 6.0)], spoken, 24.0, [2.85, 5.95])
    assert plain.start == pytest.approx(2.75)
    assert plain.end == pytest.approx(6.25)
    assert (cut.start, cut.end) == (2.85, 5.95)


@given(
    gaps=st.lists(st.tuples(st.floats(-0.2, 1.0), st.floats(0.05, 1.0)), min_size=5, max_size=60),
    start=st.floats(0, 20),
    length=st.floats(1, 30),
    scene_cuts=st.lists(st.floats(0, 60), max_size=5).map(sorted),
)
def test_no_cut_lies_inside_a_word(
    gaps: list[tuple[float, float]], start: float, length: float, scene_cuts: list[float]
) -> None:
    spoken: list[Word] = []
    at = 0.5
    for pause, lasting in gaps:
        begin = max(at + pause, spoken[-1].start if spoken else 0.0)
        spoken.append(Word(start=begin, end=begin + lasting, text="word", confidence=1.0))
        at = begin + lasting
    duration = at + 1
    for cut in clips.choose([sources.highlight(start, start + length)], spoken, duration, scene_cuts):
        assert 0 <= cut.start < cut.end <= duration
        for word in spoken:
            assert not word.start < cut.start < word.end
            assert not word.start < cut.end < word.end
        assert all(earlier.start <= later.start for earlier, later in pairwise(cut.words))
