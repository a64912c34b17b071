"""The rules of the words."""

from __future__ import annotations

import pytest

from services.model import PLAN, JobKind, StageName, StageState, job_percent, stages_of

ALL = tuple(StageName)


def test_a_pipeline_runs_every_stage() -> None:
    assert stages_of(JobKind.PIPELINE) == tuple(PLAN)
    assert set(PLAN) == set(StageName)


@pytest.mark.parametrize(
    ("kind", "recorded", "expected"),
    [
        (JobKind.CLIPS, ALL, (StageName.CLIPS,)),
        (JobKind.THUMBNAILS, (), (StageName.PROBE, StageName.THUMBNAILS)),
        (JobKind.TRANSCRIBE, (StageName.PROBE,), (StageName.TRANSCRIBE,)),
        (
            JobKind.POSTS,
            (StageName.PROBE,),
            (StageName.TRANSCRIBE, StageName.ANALYZE, StageName.POSTS),
        ),
        (JobKind.ANALYZE, (), (StageName.PROBE, StageName.TRANSCRIBE, StageName.ANALYZE)),
    ],
)
def test_one_kind_again_brings_what_it_builds_on(
    kind: JobKind, recorded: tuple[StageName, ...], expected: tuple[StageName, ...]
) -> None:
    assert stages_of(kind, recorded) == expected


def test_the_percent_of_a_job_is_weighted() -> None:
    states = dict.fromkeys(ALL, StageState.WAITING)
    assert job_percent(states, {}) == 0
    states[StageName.PROBE] = StageState.SUCCEEDED
    states[StageName.TRANSCRIBE] = StageState.RUNNING
    half = job_percent(states, {StageName.TRANSCRIBE: 50})
    assert half == pytest.approx(PLAN[StageName.PROBE].weight + PLAN[StageName.TRANSCRIBE].weight / 2)
    assert job_percent(dict.fromkeys(ALL, StageState.SUCCEEDED), {}) == 100


def test_skipped_stages_do_not_hold_a_job_back() -> None:
    states = dict.fromkeys(ALL, StageState.SKIPPED) | {StageName.PROBE: StageState.SUCCEEDED}
    assert job_percent(states, {}) == 100
