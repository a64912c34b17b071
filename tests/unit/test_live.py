"""What viewers are shown of a job: never less than before, only what is theirs, and what a slow reader misses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.live import Viewer
from services.live_job import LiveJob, as_item, as_loaded, moved
from services.live_pace import EXPECTED, seconds_left
from services.model import PLAN, JobKind, JobState, Role, StageName, StageState, User, VideoState, job_percent
from services.progress import StageProgress
from services.records.jobs import JobRow, StageRow
from services.records.live import WatchedJob

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TALK = 600.0  # seconds
BEGUN = 1_000_000.0


def watched(
    states: dict[StageName, StageState],
    *,
    percents: dict[StageName, float] | None = None,
    running_for: float = 0.0,
    owner_id: int = 1,
    duration: float | None = TALK,
) -> WatchedJob:
    """A job with these stages, all others waiting; what runs has run for so many seconds."""
    job_id = uuid4()
    stages = tuple(
        StageRow(
            id=number,
            job_id=job_id,
            name=name,
            state=states.get(name, StageState.WAITING),
            reason=None,
            started_at=NOW - timedelta(seconds=running_for) if name in states else None,
            finished_at=NOW if states.get(name) is StageState.SUCCEEDED else None,
            percent=100.0 if states.get(name) is StageState.SUCCEEDED else (percents or {}).get(name, 0.0),
            message="",
        )
        for number, name in enumerate(PLAN, 1)
    )
    job = JobRow(
        id=job_id,
        video_id=uuid4(),
        user_id=owner_id,
        kind=JobKind.PIPELINE,
        state=JobState.RUNNING,
        created_at=NOW,
        starts_at=NOW,
        finished_at=None,
    )
    return WatchedJob(
        job=job,
        stages=stages,
        title="Talk",
        owner_id=owner_id,
        owner="ana",
        video_state=VideoState.PROCESSING,
        duration=duration,
    )


TRANSCRIBING = {StageName.PROBE: StageState.SUCCEEDED, StageName.TRANSCRIBE: StageState.RUNNING}


def said(job: LiveJob, stage: StageName, percent: float | None, message: str = "") -> StageProgress:
    return StageProgress(
        job_id=job.id, video_id=job.watched.job.video_id, stage=stage, percent=percent, message=message
    )


def test_what_a_worker_says_moves_the_bar_to_the_weighted_value() -> None:
    job = as_loaded(watched(TRANSCRIBING), None, as_of=BEGUN)
    after = moved(job, said(job, StageName.TRANSCRIBE, 50.0, "Transcribing 5:00 of 10:00"))
    assert after is not None
    assert after.percent == pytest.approx(PLAN[StageName.PROBE].weight + PLAN[StageName.TRANSCRIBE].weight / 2)
    item = as_item(after, now=NOW)
    assert item["percent"] == pytest.approx(21.0)
    assert item["message"] == "Transcribing 5:00 of 10:00"


@pytest.mark.parametrize(
    ("stage", "percent"),
    [(StageName.CLIPS, 50.0), (StageName.PROBE, 20.0), (StageName.TRANSCRIBE, None)],
    ids=["does not run yet", "has ended", "tells its end"],
)
def test_what_does_not_fit_is_asked_of_postgres(stage: StageName, percent: float | None) -> None:
    job = as_loaded(watched(TRANSCRIBING), None, as_of=BEGUN)
    assert moved(job, said(job, stage, percent)) is None


def test_the_bar_never_goes_back_when_a_stage_begins_anew() -> None:
    one = watched(TRANSCRIBING, percents={StageName.TRANSCRIBE: 80.0})
    job = as_loaded(one, None, as_of=BEGUN)
    shown = job.percent
    again = replace(
        one, stages=tuple(replace(stage, percent=min(stage.percent, 100.0 * (stage.id == 1))) for stage in one.stages)
    )
    again = replace(
        again,
        stages=tuple(
            replace(stage, started_at=NOW + timedelta(seconds=9)) if stage.state is StageState.RUNNING else stage
            for stage in again.stages
        ),
    )
    restarted = as_loaded(again, job, as_of=BEGUN + 1)
    assert restarted.percent == shown
    behind = moved(restarted, said(restarted, StageName.TRANSCRIBE, 40.0))
    assert behind is not None
    assert behind.percent == shown
    beyond = moved(behind, said(behind, StageName.TRANSCRIBE, 90.0))
    assert beyond is not None
    assert beyond.percent > shown
    assert as_loaded(again, None, as_of=BEGUN).percent < shown  # a job that is new begins at its own value


def test_an_answer_of_postgres_does_not_undo_what_was_heard_since() -> None:
    one = watched(TRANSCRIBING, percents={StageName.TRANSCRIBE: 30.0})
    heard = moved(as_loaded(one, None, as_of=BEGUN), said(as_loaded(one, None, as_of=BEGUN), StageName.TRANSCRIBE, 42))
    assert heard is not None
    after = as_loaded(one, heard, as_of=BEGUN + 1)
    assert {stage.name: stage.percent for stage in after.watched.stages}[StageName.TRANSCRIBE] == 42.0


def test_one_step_of_a_worker_is_at_most_fifteen_points_of_the_job() -> None:
    """A stage tells each 20 points and what one beat adds; another may end at the same moment."""
    step = 26.0
    longest = max(PLAN[name].weight * step / 100 for name in PLAN)
    assert longest + PLAN[StageName.POSTS].weight <= 15
    assert PLAN[StageName.TRANSCRIBE].weight * step / 100 + PLAN[StageName.ANALYZE].weight <= 15
    assert all(PLAN[name].weight <= 15 for name in PLAN if name not in {StageName.TRANSCRIBE, StageName.CLIPS})
    assert job_percent(dict.fromkeys(PLAN, StageState.WAITING), {}) == 0


@pytest.mark.parametrize(
    ("role", "user_id", "sees"),
    [
        (Role.CREATOR, 1, True),
        (Role.CREATOR, 2, False),
        (Role.ANALYST, 2, True),
        (Role.OPERATOR, 2, True),
        (Role.ADMIN, 2, True),
    ],
)
def test_who_sees_a_job(role: Role, user_id: int, sees: bool) -> None:
    job = as_loaded(watched(TRANSCRIBING, owner_id=1), None, as_of=BEGUN)
    assert job.may_be_seen_by(User(id=user_id, name="x", role=role, must_change_password=False)) is sees


def test_nothing_of_a_job_names_its_owner_by_id() -> None:
    item = as_item(as_loaded(watched(TRANSCRIBING), None, as_of=BEGUN), now=NOW)
    assert "owner_id" not in item
    assert "user_id" not in item


def test_nothing_on_the_pages_has_a_clock_that_asks() -> None:
    root = Path(__file__).parents[2]
    sources = [*root.glob("console/**/*.py"), *root.glob("pages/*.py")]
    assert len(sources) > 20
    assert [path.name for path in sources if "run_every" in path.read_text()] == []


class TestSecondsLeft:
    def left(self, states: dict[StageName, StageState], percent: float, ran: float) -> float | None:
        running = next((name for name, state in states.items() if state is StageState.RUNNING), StageName.PROBE)
        job = watched(states, percents={running: percent}, running_for=ran)
        return seconds_left(job.stages, job.duration, now=NOW)

    def test_nothing_is_said_before_the_length_is_known(self) -> None:
        job = watched({StageName.PROBE: StageState.RUNNING}, duration=None)
        assert seconds_left(job.stages, job.duration, now=NOW) is None

    def test_nothing_is_said_while_nothing_runs(self) -> None:
        job = watched({StageName.PROBE: StageState.SUCCEEDED, StageName.TRANSCRIBE: StageState.READY})
        assert seconds_left(job.stages, job.duration, now=NOW) is None

    def test_before_anything_is_measured_the_length_of_the_media_says_it(self) -> None:
        expected = sum(
            EXPECTED[name].seconds(TALK) for name in (StageName.TRANSCRIBE, StageName.ANALYZE, StageName.CLIPS)
        )
        left = self.left(TRANSCRIBING, 0.0, 0.0)
        assert left == pytest.approx(expected, rel=0.3)  # a probe that took no time makes no pace

    def test_half_done_in_a_minute_leaves_a_minute_of_the_stage_and_the_rest_at_that_pace(self) -> None:
        left = self.left(TRANSCRIBING, 50.0, 60.0)
        pace = 120.0 / EXPECTED[StageName.TRANSCRIBE].seconds(TALK)
        after = pace * (EXPECTED[StageName.ANALYZE].seconds(TALK) + EXPECTED[StageName.CLIPS].seconds(TALK))
        assert left == pytest.approx(60.0 + after)

    def test_it_falls_as_the_work_goes_on(self) -> None:
        told = [self.left(TRANSCRIBING, percent, percent / 4) for percent in range(0, 101, 10)]
        assert all(left is not None for left in told)
        assert [round(left or 0) for left in told] == sorted((round(left or 0) for left in told), reverse=True)

    def test_the_last_stage_ends_at_nothing(self) -> None:
        states = dict.fromkeys(PLAN, StageState.SUCCEEDED) | {StageName.CLIPS: StageState.RUNNING}
        left = self.left(states, 100.0, 40.0)
        assert left == pytest.approx(0.0, abs=0.01)


class TestViewer:
    def viewer(self) -> tuple[Viewer, list[int]]:
        woken: list[int] = []
        user = User(id=1, name="x", role=Role.CREATOR, must_change_password=False)
        return Viewer(user, lambda: woken.append(1)), woken

    def test_a_slow_reader_misses_only_what_is_outdated(self) -> None:
        viewer, woken = self.viewer()
        first, second = UUID(int=1), UUID(int=2)
        for number in range(1000):
            viewer.offer(first, f"first {number} ".encode())
            viewer.offer(second, f"second {number} ".encode())
        assert viewer.take() == b"first 999 second 999 "
        assert woken == [1]
        assert viewer.take() == b""

    def test_a_snapshot_takes_the_place_of_what_waited(self) -> None:
        viewer, _ = self.viewer()
        viewer.offer(UUID(int=1), b"old ")
        viewer.say(b"snapshot ", instead=True)
        viewer.offer(UUID(int=1), b"new ")
        assert viewer.take() == b"snapshot new "
