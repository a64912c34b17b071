"""A clip that a person cut again is rendered alone; the others stay those that were made before."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import av
import pytest

from jobs.contract import StageContext, StageResult
from jobs.stages import clips
from services.model import StageName
from services.outputs import Clip, ClipsOutput, Output, ThumbnailsOutput
from tests.media import video_sources as sources

SPOKEN = sources.words("the first hundred users matter more than anything else you do this year " * 3)
EARLIER = uuid4()
THERE = tuple(
    Clip(
        position=position,
        start=start,
        end=start + 4,
        title=f"Clip {position}",
        text="",
        score=60.0,
        factors=(),
        made_by=EARLIER,
    )
    for position, start in enumerate((1.9, 8.9, 14.9))
)


def recut(
    workspace: Path, *cuts: dict[str, object], there: tuple[Clip, ...] | None = THERE
) -> tuple[StageResult, UUID]:
    outputs: dict[StageName, Output] = {
        StageName.TRANSCRIBE: sources.transcript(SPOKEN),
        StageName.THUMBNAILS: ThumbnailsOutput(thumbnails=(), scene_cuts=()),
    }
    if there is not None:
        outputs[StageName.CLIPS] = ClipsOutput(clips=there)
    plain = sources.context(StageName.CLIPS, sources.scenes(), workspace, outputs=outputs)
    asked = StageContext(**{**plain.__dict__, "options": {"cuts": list(cuts)}})
    return clips.run(asked), asked.job_id


def made(result: StageResult) -> tuple[Clip, ...]:
    assert isinstance(result.output, ClipsOutput)
    return result.output.clips


def test_only_the_clip_that_was_moved_is_rendered(tmp_path: Path) -> None:
    result, job_id = recut(tmp_path, {"position": 1, "start": 9.35, "end": 12.85, "title": "Shorter"})
    assert {file.position for file in result.files} == {1}
    films = [file for file in result.files if file.media_type == "video/mp4"]
    assert [file.role for file in films] == ["clip_portrait", "clip_landscape"]
    assert [clip for clip in made(result) if clip.position != 1] == [THERE[0], THERE[2]]
    clip = made(result)[1]
    assert (clip.start, clip.end, clip.title, clip.made_by, clip.by_hand) == (9.35, 12.85, "Shorter", job_id, True)
    assert clip.text == " ".join(word.text for word in SPOKEN if word.start >= 9.35 and word.end <= 12.85)
    for file in films:
        with av.open(str(file.path)) as container:
            assert container.duration is not None
            assert container.duration / 1_000_000 == pytest.approx(3.5, abs=0.1)


def test_its_score_is_of_what_it_is_now_and_says_why(tmp_path: Path) -> None:
    result, _ = recut(tmp_path, {"position": 1, "start": 9.35, "end": 12.85, "title": "Shorter"})
    clip = made(result)[1]
    assert clip.score == pytest.approx(100 * sum(factor.value for factor in clip.factors), abs=0.01)
    reasons = {factor.name: factor.reason for factor in clip.factors}
    assert reasons["length"].startswith("3 seconds")
    assert "within a sentence" in reasons["completeness"]


def test_another_title_renders_nothing(tmp_path: Path) -> None:
    result, _ = recut(tmp_path, {"position": 2, "start": 14.9, "end": 18.9, "title": "Renamed"})
    assert result.files == ()
    assert made(result) == (*THERE[:2], THERE[2].model_copy(update={"title": "Renamed"}))


def test_a_clip_is_added_behind_the_others_and_to_none(tmp_path: Path) -> None:
    result, job_id = recut(tmp_path, {"position": 3, "start": 4.35, "end": 7.85, "title": "Added"})
    assert made(result)[:3] == THERE
    assert (made(result)[3].position, made(result)[3].made_by) == (3, job_id)
    (tmp_path / "first").mkdir()
    result, _ = recut(tmp_path / "first", {"position": 0, "start": 4.35, "end": 7.85, "title": "First"}, there=None)
    assert [clip.title for clip in made(result)] == ["First"]
