"""Two people: what one has, the other can neither see nor touch, nor learn that it is there."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import text

from services.bootstrap import Services, build
from services.bulk import Order, Verb
from services.errors import IllegalMove, NotFound, NotSignedIn, Refused
from services.library import Query, Sort
from services.model import JobKind, Role, User
from tests.films import film_of
from tests.integration.possessions import Possessions, pieces
from tests.integration.test_roles import EXPECTED, settings_for
from tests.integration.work import clear_work

MARK = "zymurgist"  # in nothing that the other has
CUTS = {"cuts": [{"position": 1, "start": 8.0, "end": 12.0, "title": "New"}]}


@dataclass(frozen=True, kw_only=True)
class Ids:
    """One id of each kind; the user's and the message's are numbers."""

    user: int
    video: UUID
    file: UUID
    job: UUID
    unfinished_job: UUID
    stopped_job: UUID
    upload: UUID
    upload_size: int
    whole_upload: UUID
    session: UUID
    token: UUID
    message: int

    @classmethod
    def unknown(cls) -> Ids:
        return cls(**{field.name: 2**31 - 1 if field.type == "int" else uuid4() for field in dataclasses.fields(cls)})


Try = Callable[[Services, User, Ids], object]


def append(services: Services, user: User, ids: Ids) -> object:
    body = film_of(bytes(16))
    return asyncio.run(services.uploads.append(user, ids.upload, offset=0, chunks=pieces(body)))


def submit_many(services: Services, user: User, ids: Ids) -> None:
    (answer,) = services.operations.submit_many(user, [ids.video], JobKind.POSTS).values()
    assert isinstance(answer, Refused)
    raise answer


def bulk(verb: Verb) -> Try:
    """An order answers for each video: the answer for this one, or the plan's reason, as a refusal."""

    def ask(services: Services, user: User, ids: Ids) -> None:
        order = Order(verb=verb, video_ids=(ids.video,), kind=JobKind.POSTS if verb is Verb.AGAIN else None)
        (planned,) = services.bulk.plan(user, order).skipped
        (reason,) = services.bulk.run(user, order).answers.values()
        assert reason == planned
        raise NotFound(reason)

    return ask


# Every way to name something of another's, by use case and what is named.
TRIES: Mapping[str, Try] = {
    "videos.get": lambda s, user, ids: s.videos.get(user, ids.video),
    "videos.transcript": lambda s, user, ids: s.videos.transcript(user, ids.video),
    "videos.open_file": lambda s, user, ids: s.videos.open_file(user, ids.file),
    "lineages.of_video": lambda s, user, ids: s.lineages.of_video(user, ids.video),
    "archives.open": lambda s, user, ids: s.archives.open(user, ids.video, source=True),
    "edits.save title": lambda s, user, ids: s.edits.save(user, ids.video, "title", "Mine"),
    "edits.save tags": lambda s, user, ids: s.edits.save(user, ids.video, "tags", ["mine"]),
    "edits.save bad tags": lambda s, user, ids: s.edits.save(user, ids.video, "tags", 7),
    "edits.save segment": lambda s, user, ids: s.edits.save(user, ids.video, "segment:0", "Mine"),
    "edits.save post": lambda s, user, ids: s.edits.save(user, ids.video, "post:linkedin", ["Mine"]),
    "edits.save clip": lambda s, user, ids: s.edits.save(user, ids.video, "clip:0", "hidden"),
    "edits.save no such clip": lambda s, user, ids: s.edits.save(user, ids.video, "clip:99", "hidden"),
    "edits.save thumbnail": lambda s, user, ids: s.edits.save(user, ids.video, "thumbnail", None),
    "operations.job": lambda s, user, ids: s.operations.job(user, ids.job),
    "operations.cancel": lambda s, user, ids: s.operations.cancel(user, ids.unfinished_job),
    "operations.cancel ended": lambda s, user, ids: s.operations.cancel(user, ids.job),
    "operations.retry": lambda s, user, ids: s.operations.retry(user, ids.stopped_job),
    "operations.retry succeeded": lambda s, user, ids: s.operations.retry(user, ids.job),
    **{
        f"operations.submit {kind}": lambda s, user, ids, kind=kind: s.operations.submit(user, ids.video, kind)  # type: ignore[misc]
        for kind in JobKind
    },
    "operations.submit cuts": lambda s, user, ids: s.operations.submit(user, ids.video, JobKind.CLIPS, options=CUTS),
    "operations.submit with a key": lambda s, user, ids: s.operations.submit(
        user, ids.video, JobKind.POSTS, key="a key"
    ),
    "operations.submit_many": submit_many,
    **{f"bulk.plan and bulk.run {verb}": bulk(verb) for verb in Verb},
    "uploads.status": lambda s, user, ids: s.uploads.status(user, ids.upload),
    "uploads.append": append,
    "uploads.describe": lambda s, user, ids: s.uploads.describe(user, ids.upload, title="Mine", tags=["mine"]),
    "uploads.discard": lambda s, user, ids: s.uploads.discard(user, ids.upload),
    "uploads.discard accepted": lambda s, user, ids: s.uploads.discard(user, ids.whole_upload),
    "uploads.complete": lambda s, user, ids: s.uploads.complete(user, ids.upload),
    "uploads.complete accepted": lambda s, user, ids: s.uploads.complete(user, ids.whole_upload),
    "sessions.of_user": lambda s, user, ids: s.sessions.of_user(user, ids.user),
    "sessions.end": lambda s, user, ids: s.sessions.end(user, ids.session),
    "sessions.end_all": lambda s, user, ids: s.sessions.end_all(user, ids.user, reason="mine"),
    "tokens.of_user": lambda s, user, ids: s.tokens.of_user(user, ids.user),
    "tokens.revoke": lambda s, user, ids: s.tokens.revoke(user, ids.token),
}
# Asked without an id, or answered for many ids at once: their whole answers are looked through below.
LISTED = {
    *("library.search", "home.of", "notifications.inbox", "notifications.mark_read", "live.join"),
    *("uploads.unfinished", "uploads.begin", "uploads.duplicate_of", "operations.pauses"),
}
OWN_ALONE = {  # there is nothing of another's to name
    *("samples.process", "uploads.accept_file", "limits.of", "accounts.change_password"),
    *("sessions.issue_ticket", "sessions.open", "tokens.create"),
}


@pytest.fixture(scope="module")
def has(migrated_url: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Possessions]:
    folder = tmp_path_factory.mktemp("others")
    client = redis.Redis.from_url(valkey_url)
    client.flushall()
    services = build(settings_for(folder, migrated_url, valkey_url), client=client)
    services.sweeper.stop()  # nothing changes but by what is tried
    clear_work(services.database)
    yield Possessions(services, folder, mark=MARK)
    services.close()
    client.close()


@pytest.fixture(scope="module")
def ana(has: Possessions) -> User:
    return has.person()


@pytest.fixture(scope="module")
def bo(has: Possessions) -> User:
    """The other, with something of their own."""
    other = Possessions(has.services, has.services.settings.home, mark="carpentry")
    bo = other.person()
    other.processed(bo)
    other.waiting(bo)
    other.upload(bo)
    return bo


@pytest.fixture(scope="module")
def hers(has: Possessions, ana: User) -> Ids:
    done, upload, whole = has.processed(ana), has.upload(ana), has.upload(ana)
    has.services.uploads.complete(ana, whole.id)
    return Ids(
        user=ana.id,
        video=done.video_id,
        file=done.file_ids[0],
        job=done.job_id,
        unfinished_job=has.waiting(ana).job_id,
        stopped_job=has.stopped(ana).job_id,
        upload=upload.id,
        upload_size=upload.size,
        whole_upload=whole.id,
        session=has.session(ana),
        token=has.token(ana),
        message=done.notification_id,
    )


def tables(services: Services) -> dict[str, str]:
    """Every table of the product, as one figure each."""
    with services.database.transaction() as connection:
        names = connection.execute(
            text("select tablename from pg_tables where schemaname = 'public' order by tablename")
        ).scalars()
        return {
            name: connection.execute(
                text(f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {name} t")
            ).scalar_one()
            for name in names.all()
        }


def refusal(ask: Callable[[], object]) -> tuple[type[Refused], str]:
    with pytest.raises(Refused) as refused:
        ask()
    return type(refused.value), str(refused.value)


@pytest.mark.parametrize("named", TRIES)
def test_what_is_anothers_is_refused_as_what_is_not_there(has: Possessions, bo: User, hers: Ids, named: str) -> None:
    before = tables(has.services)
    answers = [refusal(lambda ids=ids: TRIES[named](has.services, bo, ids)) for ids in (hers, Ids.unknown())]  # type: ignore[misc]
    assert answers[0] == answers[1]
    assert answers[0][0] is NotFound
    assert tables(has.services) == before
    assert has.services.storage.incoming(hers.upload).stat().st_size == hers.upload_size


def test_the_same_is_answered_to_its_owner(has: Possessions, ana: User, hers: Ids) -> None:
    """Else what is refused above might be refused for another reason."""
    for named in ("videos.get", "videos.transcript", "videos.open_file", "operations.job", "uploads.status"):
        TRIES[named](has.services, ana, hers)
    assert refusal(lambda: TRIES["uploads.append"](has.services, ana, hers))[0] is IllegalMove


def test_every_use_case_that_takes_an_id_is_tried() -> None:
    tried = {name for named in TRIES for name in named.split() if "." in name}
    managed = {name for name, columns in EXPECTED.items() if columns[0].startswith("no ")}  # creators are refused
    assert tried | LISTED | OWN_ALONE | managed == EXPECTED.keys()
    assert not tried & LISTED


def everything(answer: object) -> Iterator[str]:
    """All text, numbers and ids in an answer, however deep."""
    if isinstance(answer, bytes):
        yield answer.decode("utf-8", "replace")
    elif dataclasses.is_dataclass(answer):
        for field in dataclasses.fields(answer):
            yield from everything(getattr(answer, field.name))
    elif isinstance(answer, Mapping):
        for key, value in answer.items():
            yield from (*everything(key), *everything(value))
    elif isinstance(answer, list | tuple | set | frozenset):
        for one in answer:
            yield from everything(one)
    else:
        yield str(answer)


def answers_to(services: Services, user: User, hers: Ids, words: str) -> dict[str, Any]:
    """All that lists, searches and streams say to somebody who names what is another's."""
    viewer = services.live.join(user, lambda: None, also=[hers.job, hers.unfinished_job])
    alone = services.live.join(user, lambda: None, only=hers.unfinished_job)
    snapshots = viewer.take(), alone.take()
    services.live.leave(viewer)
    services.live.leave(alone)
    search = services.library.search
    return {
        "library": [search(user, Query(sort=sort)) for sort in Sort],
        "found": [search(user, Query(text=text)) for text in (words, words[:4], f'"{words}"', f"-{words} -nothing")],
        "tagged": search(user, Query(tags=(words,))),
        "home": services.home.of(user),
        "inbox": services.notifications.inbox(user, limit=1000),
        "marked": services.notifications.mark_read(user, [hers.message]),
        "live": snapshots,
        "unfinished": services.uploads.unfinished(user),
        "begun": services.uploads.begin(user, file_name="f.mp4", size=44, fingerprint="none", title=None),
        "duplicate": services.uploads.duplicate_of(user, file_name="f.mp4", size=44, fingerprint="none"),
        "pauses": services.operations.pauses(user),
        "limits": services.limits.of(user),
        "sessions": services.sessions.of_user(user, user.id),
        "tokens": services.tokens.of_user(user, user.id),
    }


def traces(answers: Mapping[str, Any], hers: Ids, name: str) -> set[str]:
    """The answers that hold a mark, an id or the name of hers."""
    secrets = {MARK, name, *(str(value) for value in dataclasses.astuple(hers) if isinstance(value, UUID))}
    return {
        subject
        for subject, answer in answers.items()
        if any(secret in said for said in everything(answer) for secret in secrets)
    }


def test_no_list_search_or_stream_holds_anything_of_another(has: Possessions, ana: User, bo: User, hers: Ids) -> None:
    assert traces(answers_to(has.services, bo, hers, MARK), hers, ana.name) == set()
    assert {"library", "found", "tagged", "home", "inbox", "live", "unfinished", "sessions", "tokens"} <= traces(
        answers_to(has.services, ana, hers, MARK), hers, ana.name
    ), "the owner's answers hold it: it would have been seen"
    operator = has.person(Role.OPERATOR)
    assert {"library", "found", "tagged", "home", "live"} == traces(
        answers_to(has.services, operator, hers, MARK), hers, ana.name
    )


def test_no_filter_tells_whether_somebody_is_there(has: Possessions, ana: User, bo: User, hers: Ids) -> None:
    search = has.services.library.search
    for there, not_there in (
        (Query(owner=ana.name), Query(owner="nobody")),
        (Query(tags=(MARK,)), Query(tags=("never",))),
        (Query(text=MARK), Query(text="unheard")),
    ):
        assert search(bo, there) == search(bo, not_there)
        assert search(ana, there).rows != search(ana, not_there).rows


def test_an_order_for_many_reaches_what_is_ones_own_alone(has: Possessions, ana: User, bo: User, hers: Ids) -> None:
    own, other = has.waiting(bo), has.waiting(ana)
    order = Order(verb=Verb.CANCEL, video_ids=(other.video_id, own.video_id, uuid4()))
    assert has.services.bulk.plan(bo, order).video_ids == (own.video_id,)
    outcome = has.services.bulk.run(bo, order)
    assert outcome.answers[own.video_id] is None
    assert outcome.left_out == {"There is no such video, or it is not yours.": 2}
    assert has.services.operations.job(ana, other.job_id).state == "queued"
    answers = has.services.operations.submit_many(bo, [other.video_id, own.video_id], JobKind.THUMBNAILS)
    assert {video_id: type(answer) for video_id, answer in answers.items()} == {
        other.video_id: NotFound,
        own.video_id: UUID,
    }


def test_a_key_of_another_stands_for_nothing(has: Possessions, ana: User, bo: User) -> None:
    services = has.services
    hers, his = (has.waiting(user) for user in (ana, bo))
    made = services.operations.submit(ana, hers.video_id, JobKind.POSTS, key="the same key")
    assert services.operations.submit(ana, hers.video_id, JobKind.POSTS, key="the same key") == made
    assert services.operations.submit(bo, his.video_id, JobKind.POSTS, key="the same key") != made
    asked = {"file_name": "f.mp4", "size": 44, "fingerprint": "k", "title": None}
    begun = services.uploads.begin(ana, **asked, key="the same key")  # type: ignore[arg-type]
    assert services.uploads.begin(bo, **asked, key="the same key").id != begun.id  # type: ignore[arg-type]


def test_whoever_loses_a_role_loses_what_it_showed(has: Possessions, ana: User, hers: Ids) -> None:
    """An operator who worked on another's video is sent word of it, and becomes a creator."""
    services, operator, admin = has.services, has.person(Role.OPERATOR), has.person(Role.ADMIN)
    token, _ = services.sessions.open(operator, address="::1", user_agent="test")
    assert services.sessions.verify(token).user.role is Role.OPERATOR
    with services.database.transaction() as connection:
        connection.execute(
            text(
                "insert into notifications (user_id, video_id, job_id, kind)"
                " values (:user, :video, :job, 'job succeeded')"
            ),
            {"user": operator.id, "video": hers.video, "job": hers.job},
        )
    assert "inbox" in traces(answers_to(services, operator, hers, MARK), hers, ana.name)
    services.users.set_role(admin, operator.id, Role.CREATOR, reason="a test")
    with pytest.raises(NotSignedIn):
        services.sessions.verify(token)
    demoted = services.accounts.find(operator.name)
    assert demoted.role is Role.CREATOR
    assert traces(answers_to(services, demoted, hers, MARK), hers, ana.name) == set()
