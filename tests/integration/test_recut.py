"""Clips that people cut again: accepted as one job, shown beside those that stay, and no harm when it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from services.bootstrap import Services
from services.bulk import Order, Verb
from services.errors import BadInput, IllegalMove, NotAllowed, NotFound
from services.model import JobKind, JobState, QueueName, Role, StageName, StageState, User, VideoState
from services.outputs import Clip, ClipsOutput, ThumbnailsOutput
from services.records.stages import Claim, Finish, Outcome
from tests.integration.conftest import NewUser
from tests.integration.held import held, waits
from tests.integration.work import accept, claim, clear_work, finish, lease, success
from tests.web.made import all_outputs

Another = Callable[..., Services]
MADE = all_outputs()


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A video of user that was processed once."""

    services: Services
    user: User
    video_id: UUID
    first_job: UUID

    def run(self, outcomes: Mapping[StageName, Callable[[Claim], Finish]] | None = None) -> None:
        """Runs what is ready, on both queues, until nothing is left."""
        held = {queue: lease() for queue in QueueName}
        while claims := [
            one for queue in QueueName for one in claim(self.services.database, held[queue], queue, cap=1000)
        ]:
            finish(self.services.database, [(outcomes or {}).get(one.name, recorded)(one) for one in claims])

    def recut(self, *cuts: Mapping[str, object]) -> UUID:
        options = {"cuts": [{"title": "New", **cut} for cut in cuts]}
        return self.services.operations.submit(self.user, self.video_id, JobKind.CLIPS, options=options)

    def files(self) -> dict[tuple[str, int], str]:
        """The storage keys of what the video shows of its clips."""
        detail = self.services.videos.get(self.user, self.video_id)
        return {(file.role, file.position): file.storage_key for file in detail.files if file.role.startswith("clip_")}

    def clips(self) -> tuple[Clip, ...]:
        output = self.services.videos.get(self.user, self.video_id).outputs[StageName.CLIPS]
        assert isinstance(output, ClipsOutput)
        return output.clips


def recorded(one: Claim) -> Finish:
    """A success that records what a pipeline would; clips name the job that made them."""
    output = MADE[one.name]
    if isinstance(output, ClipsOutput):
        return rendered(one, *output.clips)
    pictures = len(output.thumbnails) if isinstance(output, ThumbnailsOutput) else 0
    files = [a_file(one, "thumbnail", position, "image/jpeg") for position in range(pictures)]
    return replace(success(one), data=output.model_dump(mode="json"), files=files)


def a_file(one: Claim, role: str, position: int, media_type: str) -> dict[str, object]:
    key = f"{one.video_id}/{one.stage_id}-{one.token}/{role}-{position}"
    return {"role": role, "position": position, "storage_key": key, "media_type": media_type, "size_bytes": 1}


def rendered(one: Claim, *clips: Clip, kept: tuple[Clip, ...] = (), named: bool = True) -> Finish:
    """These clips with files of their own, beside clips that keep theirs."""
    new = [clip.model_copy(update={"made_by": one.job_id if named else None}) for clip in clips]
    output = ClipsOutput(clips=tuple(sorted((*new, *kept), key=lambda clip: clip.position)))
    return replace(
        success(one),
        data=output.model_dump(mode="json"),
        files=[
            a_file(one, role, clip.position, "video/mp4")
            for clip in clips
            for role in ("clip_portrait", "clip_landscape")
        ],
    )


def failed(one: Claim) -> Finish:
    return Finish(stage_id=one.stage_id, token=one.token, outcome=Outcome.FAILED, reason="It could not be rendered.")


@pytest.fixture
def bench(services: Services, new_user: NewUser) -> Bench:
    clear_work(services.database)
    user = new_user()
    accepted = accept(services.database, user)
    made = Bench(services=services, user=user, video_id=accepted.video_id, first_job=accepted.job_id)
    made.run()
    assert services.videos.get(user, accepted.video_id).video.state is VideoState.REPURPOSED
    return made


# Words of the made transcript meet at every 2 seconds.
CUT = {"position": 1, "start": 8.0, "end": 12.0}


def test_a_recut_is_one_job_with_what_was_asked(bench: Bench) -> None:
    job_id = bench.recut(CUT)
    view = bench.services.operations.job(bench.user, job_id)
    assert view.kind is JobKind.CLIPS
    assert view.options == {"cuts": [{**CUT, "title": "New"}]}
    assert [stage.name for stage in view.stages] == [StageName.CLIPS]


def test_only_the_files_of_the_clip_that_was_cut_change(bench: Bench) -> None:
    before = bench.files()
    assert len(before) == 6
    bench.recut(CUT)
    old = bench.clips()
    moved = old[1].model_copy(update={"start": 8.0, "end": 12.0})
    bench.run({StageName.CLIPS: lambda one: rendered(one, moved, kept=(old[0], old[2]))})
    after = bench.files()
    assert {place for place in before if before[place] != after[place]} == {("clip_portrait", 1), ("clip_landscape", 1)}
    assert after.keys() == before.keys()
    assert [clip.end for clip in bench.clips()] == [6.0, 12.0, 22.0]


def test_a_second_recut_keeps_the_first(bench: Bench) -> None:
    for position in (1, 2):
        old = bench.clips()
        bench.recut({**CUT, "position": position, "title": f"Cut {position}"})
        kept = tuple(clip for clip in old if clip.position != position)
        bench.run({StageName.CLIPS: lambda one, clip=old[position], kept=kept: rendered(one, clip, kept=kept)})  # type: ignore[misc]
    folders = {
        position: key.split("/")[1] for (role, position), key in bench.files().items() if role == "clip_portrait"
    }
    assert len(set(folders.values())) == 3, "each position shows the files of the job that made it"


def test_a_recut_that_a_newer_one_replaced_is_not_tried_again(bench: Bench) -> None:
    """What it rendered would be paid for and never shown; asked for anew it is the newest."""
    old = bench.clips()
    late = bench.recut(CUT)
    bench.run({StageName.CLIPS: failed})
    bench.recut({**CUT, "position": 2})
    with pytest.raises(IllegalMove, match="newer job"):
        bench.services.operations.retry(bench.user, late)
    bench.run({StageName.CLIPS: lambda one: rendered(one, old[2], kept=old[:2])})
    shown = bench.files()
    with pytest.raises(IllegalMove, match="newer job"):
        bench.services.operations.retry(bench.user, late)
    assert bench.services.operations.job(bench.user, late).state is JobState.FAILED
    now = bench.clips()
    bench.recut(CUT)
    bench.run({StageName.CLIPS: lambda one: rendered(one, now[1], kept=(now[0], now[2]))})
    assert {place for place, key in bench.files().items() if shown[place] != key} == {
        ("clip_portrait", 1),
        ("clip_landscape", 1),
    }


def test_a_recut_is_tried_again_only_while_it_can_be_made(bench: Bench) -> None:
    """The transcript may have been corrected since it was asked for."""
    within_the_first_word = {**CUT, "start": 0.05, "end": 4.0}
    bench.services.edits.save(bench.user, bench.video_id, "segment:0", "we started the company")
    job_id = bench.recut(within_the_first_word)
    bench.run({StageName.CLIPS: failed})
    bench.services.edits.save(bench.user, bench.video_id, "segment:0", None)
    with pytest.raises(BadInput, match="within the word “When”"):
        bench.services.operations.retry(bench.user, job_id)
    outcome = bench.services.bulk.run(bench.user, Order(verb=Verb.RETRY, video_ids=(bench.video_id,)))
    assert "within the word “When”" in str(outcome.answers[bench.video_id])
    assert bench.services.operations.job(bench.user, job_id).state is JobState.FAILED
    bench.services.edits.save(bench.user, bench.video_id, "segment:0", "we started the company")
    bench.services.operations.retry(bench.user, job_id)
    assert bench.services.operations.job(bench.user, job_id).state is JobState.RUNNING


def test_a_full_run_after_a_recut_shows_its_own_files_only(bench: Bench) -> None:
    old = bench.clips()
    bench.recut({**CUT, "position": 3})
    added = old[1].model_copy(update={"position": 3})
    bench.run({StageName.CLIPS: lambda one: rendered(one, added, kept=old)})
    assert len(bench.files()) == 8
    bench.services.operations.submit(bench.user, bench.video_id, JobKind.CLIPS)
    bench.run({StageName.CLIPS: lambda one: rendered(one, *old[:2])})
    shown = bench.files()
    assert sorted(shown) == [(role, position) for role in ("clip_landscape", "clip_portrait") for position in (0, 1)]
    assert len({key.split("/")[1] for key in shown.values()}) == 1


def test_outputs_of_old_show_the_newest_file_of_each_position(bench: Bench) -> None:
    """They do not say which job made a clip."""
    old = tuple(clip.model_copy(update={"made_by": None}) for clip in bench.clips())
    bench.services.operations.submit(bench.user, bench.video_id, JobKind.CLIPS)
    bench.run({StageName.CLIPS: lambda one: rendered(one, *old, named=False)})
    before = bench.files()
    bench.recut(CUT)
    bench.run({StageName.CLIPS: lambda one: rendered(one, old[1], kept=(old[0], old[2]), named=False)})
    changed = {place for place, key in bench.files().items() if before[place] != key}
    assert changed == {("clip_portrait", 1), ("clip_landscape", 1)}


def test_a_recut_that_fails_leaves_video_and_clips_as_they_were(bench: Bench) -> None:
    before = bench.files()
    job_id = bench.recut(CUT)
    assert bench.services.videos.get(bench.user, bench.video_id).video.state is VideoState.REPURPOSED
    bench.run({StageName.CLIPS: failed})
    assert bench.services.operations.job(bench.user, job_id).state is JobState.FAILED
    assert bench.services.videos.get(bench.user, bench.video_id).video.state is VideoState.REPURPOSED
    assert bench.files() == before
    bench.recut(CUT)


def test_one_at_a_time(bench: Bench) -> None:
    """Whatever renders clips, and however it is asked for."""
    operations = bench.services.operations
    again = Order(verb=Verb.AGAIN, kind=JobKind.CLIPS, video_ids=(bench.video_id,))
    bench.recut(CUT)
    with pytest.raises(IllegalMove, match="being rendered"):
        bench.recut({**CUT, "position": 2})
    for kind in (JobKind.CLIPS, JobKind.PIPELINE):
        with pytest.raises(IllegalMove, match="being rendered"):
            operations.submit(bench.user, bench.video_id, kind)
        (answer,) = operations.submit_many(bench.user, [bench.video_id], kind).values()
        assert isinstance(answer, IllegalMove)
    assert bench.services.bulk.run(bench.user, again).done == 0
    operations.submit(bench.user, bench.video_id, JobKind.POSTS)
    bench.run()
    assert bench.services.bulk.run(bench.user, again).done == 1
    with pytest.raises(IllegalMove, match="being rendered"):
        bench.recut({**CUT, "position": 2})
    bench.run()
    bench.recut({**CUT, "position": 2})


def test_one_at_a_time_also_when_two_ask_at_once(bench: Bench) -> None:
    def ask() -> bool:
        try:
            bench.services.operations.submit(bench.user, bench.video_id, JobKind.CLIPS)
        except IllegalMove:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        with held(bench.services.database, "select from videos where id = :id for no key update", bench.video_id):
            asked = [threads.submit(ask) for _ in range(2)]
            waits(bench.services.database, 2)
        assert sorted(each.result(10) for each in asked) == [False, True]


def test_clips_that_wait_behind_a_failure_keep_nobody(services: Services, new_user: NewUser) -> None:
    clear_work(services.database)
    user = new_user()
    accepted = accept(services.database, user)
    bench = Bench(services=services, user=user, video_id=accepted.video_id, first_job=accepted.job_id)
    bench.run({StageName.ANALYZE: failed})
    states = {stage.name: stage.state for stage in services.operations.job(user, accepted.job_id).stages}
    assert states[StageName.CLIPS] is StageState.WAITING
    services.operations.submit(user, accepted.video_id, JobKind.CLIPS)
    with pytest.raises(IllegalMove, match="newer job"):
        services.operations.retry(user, accepted.job_id)


def test_what_was_refused_costs_nothing(bench: Bench) -> None:
    with pytest.raises(BadInput, match="within the video"):
        bench.recut({**CUT, "end": 900.0})
    with pytest.raises(BadInput, match="Only clips"):
        bench.services.operations.submit(
            bench.user, bench.video_id, JobKind.POSTS, options={"cuts": [{**CUT, "title": "t"}]}
        )
    assert [job.id for job in bench.services.videos.get(bench.user, bench.video_id).jobs] == [bench.first_job]


def test_a_recut_is_one_of_the_jobs_of_the_hour(bench: Bench, another: Another) -> None:
    services = another(jobs_per_hour=2)
    hurried = replace(bench, services=services)
    first = hurried.recut(CUT)
    hurried.run()
    second = hurried.recut({**CUT, "position": 2})
    waits = [
        round((view.starts_at - view.created_at).total_seconds() / 3600)
        for view in (services.operations.job(bench.user, job_id) for job_id in (first, second))
    ]
    assert waits == [0, 1]


def test_who_may_ask(bench: Bench, new_user: NewUser) -> None:
    with pytest.raises(NotFound):
        replace(bench, user=new_user()).recut(CUT)
    with pytest.raises(NotAllowed):
        replace(bench, user=new_user(Role.ANALYST)).recut(CUT)
    replace(bench, user=new_user(Role.OPERATOR)).recut(CUT)


def test_words_that_were_corrected_count(bench: Bench) -> None:
    """A cut lies between the words as they read now, which is what the person saw."""
    within_the_first_word = {**CUT, "start": 0.05, "end": 4.0}
    with pytest.raises(BadInput, match="within the word “When”"):
        bench.recut(within_the_first_word)
    bench.services.edits.save(bench.user, bench.video_id, "segment:0", "we started the company")
    bench.recut(within_the_first_word)


def test_a_video_without_a_transcript_has_nothing_to_cut(services: Services, new_user: NewUser) -> None:
    user = new_user()
    accepted = accept(services.database, user, kind=JobKind.POSTS)
    services.operations.cancel(user, accepted.job_id)
    with pytest.raises(IllegalMove, match="no transcript"):
        services.operations.submit(user, accepted.video_id, JobKind.CLIPS, options={"cuts": [{**CUT, "title": "t"}]})
