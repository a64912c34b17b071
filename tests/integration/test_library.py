"""What the library shows and finds, and how it follows what stages record and people change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text

from services.bootstrap import Services
from services.database import Database
from services.errors import BadInput
from services.library import Length, Library, Query, Sort
from services.model import JobKind, Role, StageName, User, VideoState
from services.records import library as library_records
from services.records import videos
from tests.integration.conftest import NewUser
from tests.integration.recorded import make, probed, said, shot
from tests.integration.work import accept, clear_work
from tests.unlimited import Unlimited

MORNING = ("When we started the company", "I took the quiet morning walk", "and measured one thing at a time")


@pytest.fixture
def library(database: Database) -> Library:
    clear_work(database)
    return Library(database, Unlimited())


@pytest.fixture
def found(library: Library) -> Callable[..., list[UUID]]:
    """found(user, text, **query): the videos that a search gives, in its order."""
    return lambda user, words="", **query: [row.id for row in library.search(user, Query(text=words, **query)).rows]


def test_what_is_said_is_found_with_its_second(library: Library, database: Database, new_user: NewUser) -> None:
    user = new_user()
    video = make(database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: said(*MORNING)}).video_id
    make(database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: said("nothing of the kind")})
    page = library.search(user, Query(text="quiet morning"))
    assert [row.id for row in page.rows] == [video]
    (line,) = page.matches[video].lines
    assert (line.start, line.text) == (4.0, MORNING[1])
    assert [line.text[start:end] for start, end in line.marks] == ["quiet", "morning"]
    assert page.matches[video].more == 0


@pytest.mark.parametrize(
    ("words", "hit"),
    [
        ("mo", True),
        ("morni", True),
        ("walked", True),
        ("WALK", True),
        ('"quiet morning"', True),
        ('"morning quiet"', False),
        ('"the quiet"', True),
        ("quiet company", True),
        ("quiet -walk", False),
        ("quiet -harbour", True),
        ("-harbour", True),
        ("-quiet", False),
        ("the quiet", True),
        ("mornings", True),
        ("harbour", False),
        ("m", True),
        ("", True),
        ("'); drop table videos; --", False),
        ("& | ! <-> :*", True),
        ("quiet & !morning", True),
        ("50%", False),
        ("\x00quiet\x00", True),
        ("\ud800", True),
        ("🎬", False),
    ],
)
def test_words_prefixes_phrases_and_what_is_left_out(
    found: Callable[..., list[UUID]], database: Database, new_user: NewUser, words: str, hit: bool
) -> None:
    user = new_user()
    video = make(database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: said(*MORNING)}).video_id
    assert found(user, words) == ([video] if hit else [])


def test_titles_tags_and_parts_of_codes(
    found: Callable[..., list[UUID]], database: Database, new_user: NewUser
) -> None:
    user = new_user()
    video = accept(database, user).video_id
    with database.transaction() as connection:
        videos.rename(connection, video, "Harbour film EP042-final_cut.v2")
        videos.set_tags(connection, video, ["sea", "Café"])
    for words in ("harb", "P042", "final", "cut", "v2", "sea", "café", "042-fin"):
        assert found(user, words) == [video], words
    with database.transaction() as connection:
        videos.rename(connection, video, "Another")
    assert found(user, "harbour") == []
    assert found(user, "another") == [video]


def test_stems_are_only_for_english(found: Callable[..., list[UUID]], database: Database, new_user: NewUser) -> None:
    user = new_user()
    video = make(
        database,
        user,
        {StageName.PROBE: probed(), StageName.TRANSCRIBE: said("la Übung universitaires", language="fr")},
    ).video_id
    assert found(user, "universitaire") == [video]
    assert found(user, "übung") == [video]
    with database.transaction() as connection:
        assert "univers" not in str(
            connection.execute(
                text("select tsvector_to_array(words) from video_words where video_id = :id"), {"id": video}
            ).scalar_one()
        ).replace("universitaires", "")


def test_a_correction_is_found_in_place_of_what_was_recognised(
    services: Services, library: Library, found: Callable[..., list[UUID]], database: Database, new_user: NewUser
) -> None:
    user = new_user()
    heard = said("and then", "the wiet mourning")
    video = make(database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: heard}).video_id
    services.edits.save(user, video, "segment:1", "the quiet morning")
    assert found(user, "quiet") == [video]
    assert found(user, "wiet") == []
    assert library.search(user, Query(text="quiet")).matches[video].lines[0].start == 4.0
    services.edits.save(user, video, "segment:1", None)
    assert found(user, "wiet") == [video]
    assert found(user, "quiet") == []


def test_a_new_transcript_takes_the_place_of_the_old(
    found: Callable[..., list[UUID]], database: Database, new_user: NewUser
) -> None:
    user = new_user()
    video = make(database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: said("old words")}).video_id
    make(database, user, {StageName.TRANSCRIBE: said("new words")}, video_id=video, kind=JobKind.TRANSCRIBE)
    assert found(user, "new") == [video]
    assert found(user, "old") == []


def test_lines_that_hold_all_words_come_before_those_that_hold_some(
    library: Library, database: Database, new_user: NewUser
) -> None:
    user = new_user()
    lines = [f"morning number {number}" for number in range(6)]
    video = make(
        database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: said(*lines, "a quiet morning", "quiet")}
    ).video_id
    matches = library.search(user, Query(text="quiet morning")).matches[video]
    assert [line.text for line in matches.lines] == ["a quiet morning"]
    matches = library.search(user, Query(text="quiet number")).matches[video]
    assert [line.text for line in matches.lines] == lines[:3]
    assert matches.more == 8 - 3


def test_length_and_pictures_follow_the_stages(library: Library, database: Database, new_user: NewUser) -> None:
    user = new_user()
    made = {StageName.PROBE: probed(61.5), StageName.THUMBNAILS: shot(picked=2)}
    video = make(database, user, made).video_id
    (row,) = library.search(user, Query()).rows
    assert row.duration == 61.5
    assert role_and_position(database, row.thumbnail_id) == ("thumbnail_small", 2)
    assert [role_and_position(database, each) for each in row.pictures] == [
        ("thumbnail_small", position) for position in range(3)
    ]
    make(database, user, {StageName.THUMBNAILS: shot(small=False)}, video_id=video, kind=JobKind.THUMBNAILS)
    (row,) = library.search(user, Query()).rows
    assert role_and_position(database, row.thumbnail_id) == ("thumbnail", 1)


def test_a_chosen_thumbnail_stands_for_the_video(library: Library, database: Database, new_user: NewUser) -> None:
    user = new_user()
    video = make(database, user, {StageName.PROBE: probed(), StageName.THUMBNAILS: shot(picked=2)}).video_id
    for value, position in (("0", 0), (None, 2)):
        with database.transaction() as connection:
            connection.execute(
                text("select follow_edit(:id, 'thumbnail', cast(:value as jsonb))"), {"id": video, "value": value}
            )
        (row,) = library.search(user, Query()).rows
        assert role_and_position(database, row.thumbnail_id) == ("thumbnail_small", position)


def role_and_position(database: Database, file_id: UUID | None) -> tuple[str, int]:
    with database.transaction() as connection:
        row = connection.execute(text("select role, position from files where id = :id"), {"id": file_id}).one()
    return row.role, row.position


def test_a_creator_finds_only_their_own_under_every_filter(
    library: Library, database: Database, new_user: NewUser
) -> None:
    ana, bo, analyst = new_user(), new_user(), new_user(Role.ANALYST)
    made = {StageName.PROBE: probed(61.5), StageName.TRANSCRIBE: said(*MORNING)}
    hers = make(database, ana, made, title="Harbour", tags=["sea"]).video_id
    his = make(database, bo, made, title="Harbour", tags=["sea"]).video_id
    now = datetime.now(UTC)
    filters: list[dict[str, object]] = [
        {},
        {"text": "quiet"},
        {"text": "harb"},
        {"text": '"quiet morning"'},
        {"text": "-nothing"},
        {"states": (VideoState.PROCESSING,)},
        {"states": (VideoState.PROCESSING, VideoState.FAILED)},
        {"tags": ("sea",)},
        {"length": Length.SHORT},
        {"uploaded_from": now - timedelta(hours=1), "uploaded_to": now + timedelta(hours=1)},
        *({"sort": sort} for sort in Sort),
    ]
    for given in filters:
        query = Query(**given)  # type: ignore[arg-type]
        assert {row.id for row in library.search(ana, query).rows} == {hers}, given
        assert sum(library.search(ana, query).counts.values()) == 1, given
        assert {row.id for row in library.search(analyst, query).rows} == {hers, his}, given
    assert [row.id for row in library.search(analyst, Query(owner=bo.name)).rows] == [his]
    assert library.search(ana, Query(owner=bo.name)).rows == ()


def test_filters_leave_out_what_they_do_not_name(
    found: Callable[..., list[UUID]], library: Library, database: Database, new_user: NewUser
) -> None:
    user = new_user()
    short = make(database, user, {StageName.PROBE: probed(299.0)}, tags=["a", "b"]).video_id
    middle = make(database, user, {StageName.PROBE: probed(300.0)}, tags=["a"]).video_id
    unknown = accept(database, user).video_id
    assert found(user, length=Length.SHORT) == [short]
    assert found(user, length=Length.MEDIUM) == [middle]
    assert found(user, length=Length.LONG) == []
    assert found(user, tags=("a", "b")) == [short]
    assert found(user, states=(VideoState.UPLOADED,)) == [unknown]
    assert found(user, uploaded_to=datetime.now(UTC) - timedelta(hours=1)) == []
    assert found(user, owner="nobody") == []
    assert found(user, sort=Sort.LONGEST) == [middle, short, unknown]
    counts = library.search(user, Query(states=(VideoState.UPLOADED,))).counts
    assert counts[VideoState.PROCESSING] == 2
    assert counts[VideoState.UPLOADED] == 1
    assert counts[VideoState.FAILED] == 0


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("words", ["", "quiet"])
def test_pages_are_complete_and_without_doubles_while_videos_arrive(
    library: Library, database: Database, new_user: NewUser, sort: Sort, words: str
) -> None:
    user = new_user()
    there = {several(database, user, title=f"Quiet {number % 4}") for number in range(23)}
    seen: list[UUID] = []
    place, pages = None, []
    while True:
        page = library.search(user, Query(text=words, sort=sort, place=place, limit=5))
        pages.append([row.id for row in page.rows])
        seen += pages[-1]
        several(database, user, title="Quiet 2")
        if page.next is None:
            break
        place = type(page.next).read(page.next.as_text(), sort)
        assert place == page.next
    assert there <= set(seen)
    assert len(seen) == len(set(seen))
    assert len(pages) >= 5
    if sort in {Sort.NEWEST, Sort.OLDEST, Sort.CHANGED}:  # what arrived stands at an end, and not between
        back = library.search(user, Query(text=words, sort=sort, place=page.previous, limit=5))
        assert [row.id for row in back.rows] == pages[-2]


def several(database: Database, user: User, *, title: str) -> UUID:
    video_id = uuid4()
    with database.transaction() as connection:
        videos.create(
            connection, video_id=video_id, user_id=user.id, title=title, file_name="f", size=1, sha256=str(video_id)
        )
    return video_id


def test_a_transcript_too_long_to_index_is_recorded_all_the_same(
    found: Callable[..., list[UUID]], database: Database, new_user: NewUser
) -> None:
    user = new_user()
    lines = ["quiet", *(" ".join(f"{line}x{word}{'y' * 60}" for word in range(400)) for line in range(60))]
    video = make(database, user, {StageName.PROBE: probed(), StageName.TRANSCRIBE: said(*lines)}).video_id
    assert found(user, "quiet") == [video]


def test_what_changed_last_comes_first(found: Callable[..., list[UUID]], database: Database, new_user: NewUser) -> None:
    user = new_user()
    older, newer = accept(database, user).video_id, accept(database, user).video_id
    assert found(user, sort=Sort.CHANGED) == [newer, older]
    with database.transaction() as connection:
        videos.rename(connection, older, "Renamed")
    assert found(user, sort=Sort.CHANGED) == [older, newer]
    assert found(user, sort=Sort.NEWEST) == [newer, older]


def test_a_phrase_that_takes_too_long_is_advice(
    library: Library, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(connection: Connection, *given: object, **named: object) -> None:
        connection.execute(text("select pg_sleep(5)"))

    monkeypatch.setattr("services.library.PHRASE_SECONDS", 0.05)
    monkeypatch.setattr(library_records, "page", slow)
    with pytest.raises(BadInput, match="Add a rarer one"):
        library.search(new_user(), Query(text='"of the"'))
