"""People and workers who change a video at the same moment: all their words are found, and nobody waits in vain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text

from services.bootstrap import Services
from services.library import Query
from services.model import JobKind, QueueName, StageName, User
from services.records.stages import Claim
from tests.integration.conftest import NewUser
from tests.integration.held import held, waits
from tests.integration.recorded import make, probed, said
from tests.integration.work import claim, clear_work, finish, lease, success
from tests.invariants import violations

WORDS = "select from video_words where video_id = any (:id) for update"  # what is found waits for whoever holds it


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A person with two transcribed videos, the one with the lower id first, and threads that act for them."""

    services: Services
    user: User
    videos: tuple[UUID, UUID]
    threads: ThreadPoolExecutor

    def save(self, target: str, value: object) -> Future[object]:
        return self.threads.submit(self.services.edits.save, self.user, self.videos[0], target, value)

    def found(self, words: str) -> bool:
        return self.videos[0] in {row.id for row in self.services.library.search(self.user, Query(text=words)).rows}

    def spoken(self) -> list[str]:
        transcript = self.services.videos.transcript(self.user, self.videos[0]).transcript
        return [segment.text for segment in transcript.segments]

    def claimed(self, queue: QueueName, video_id: UUID, kind: JobKind) -> Claim:
        """The one stage of a new job."""
        self.services.operations.submit(self.user, video_id, kind)
        (one,) = claim(self.services.database, lease(), queue)
        return one


@pytest.fixture
def desk(services: Services, new_user: NewUser) -> Iterator[Desk]:
    clear_work(services.database)
    user = new_user()
    made = {StageName.PROBE: probed(), StageName.TRANSCRIBE: said("a first line", "a second line")}
    first, second = sorted(make(services.database, user, made, kind=JobKind.TRANSCRIBE).video_id for _ in range(2))
    with ThreadPoolExecutor(2) as threads:
        yield Desk(services=services, user=user, videos=(first, second), threads=threads)


def test_two_lines_that_are_corrected_at_once_are_both_found(desk: Desk) -> None:
    with held(desk.services.database, WORDS, [desk.videos[0]]):
        saved = [desk.save("segment:0", "a zymurgic line"), desk.save("segment:1", "a quixotic line")]
        waits(desk.services.database, 2)
    assert {each.result(10) for each in saved} == {"a zymurgic line", "a quixotic line"}
    assert desk.found("zymurgic")
    assert desk.found("quixotic")
    assert not desk.found("second")


@pytest.mark.parametrize(("target", "value"), [("title", "Zymurgy"), ("tags", ["zymurgy"])])
def test_a_line_that_is_corrected_meets_a_title_that_is_changed(desk: Desk, target: str, value: object) -> None:
    with held(desk.services.database, WORDS, [desk.videos[0]]):
        saved = [desk.save("segment:0", "a quixotic line")]
        waits(desk.services.database, 1)
        saved.append(desk.save(target, value))
        waits(desk.services.database, 2)
    assert [each.result(10) for each in saved] == ["a quixotic line", value]
    assert desk.found("zymurgy")
    assert desk.found("quixotic")


def test_a_line_that_is_corrected_meets_a_new_transcript(desk: Desk) -> None:
    """What is found is what the transcript says, whichever of them was first."""
    database = desk.services.database
    one = desk.claimed(QueueName.MEDIA, desk.videos[0], JobKind.TRANSCRIBE)
    newer = replace(success(one), data=said("other words", "a second line").data)
    with database.statement() as connection:
        stage_id = connection.execute(
            text("select stage_id from outputs where video_id = :id and name = 'transcribe'"), {"id": desk.videos[0]}
        ).scalar_one()
    with held(database, "select from stages where id = :id for update", stage_id):  # what an edit of it refers to
        saving = desk.save("segment:0", "a zymurgic line")
        waits(database, 1)
        finishing = desk.threads.submit(finish, database, [newer])
        waits(database, 2, unless=finishing.done)
    assert saving.result(10) == "a zymurgic line"
    assert finishing.result(10).stage_ids == {one.stage_id}
    assert desk.spoken() == ["other words", "a second line"]
    assert desk.found("other")
    assert not desk.found("zymurgic")


def test_batches_that_record_for_the_same_videos_pass_each_other(desk: Desk) -> None:
    """A batch may hold what is found at once, such as a transcript, of one video, and only a state of the other."""
    database, (first, second) = desk.services.database, desk.videos
    heard = [desk.claimed(QueueName.MEDIA, video_id, JobKind.TRANSCRIBE) for video_id in (first, second)]
    understood = [desk.claimed(QueueName.AI, video_id, JobKind.ANALYZE) for video_id in (first, second)]
    recorded = [replace(success(one), data=said("other words").data) for one in heard]
    record: Callable[..., Future[object]] = partial(desk.threads.submit, finish, database)
    with held(database, WORDS, [first, second]):
        batches = [record([recorded[1], success(understood[0])]), record([recorded[0], success(understood[1])])]
        waits(database, 2)
    for batch in batches:
        batch.result(10)
    assert desk.found("other")
    with database.statement() as connection:
        assert violations(connection) == {}
