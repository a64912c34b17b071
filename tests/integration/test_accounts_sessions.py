"""What a person sees and ends of their sessions, and when a session ends by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import redis
from pydantic import SecretStr
from sqlalchemy import text

from services import keys
from services.bootstrap import Services
from services.errors import NotFound, NotSignedIn
from services.model import Role, Session, User
from tests.integration.conftest import NewUser, refuses
from tests.integration.fleet import eventually

Another = Callable[..., Services]
SOON = 1.5  # seconds: a revocation counts within one
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture
def user(new_user: NewUser) -> User:
    return new_user()


@pytest.fixture
def no_redis() -> redis.Redis:
    return redis.Redis(port=1, socket_connect_timeout=0.1, retry=None)


def opened(services: Services, user: User) -> tuple[str, Session]:
    return services.sessions.open(user, address="203.0.113.9", user_agent=FIREFOX)


def age(services: Services, session_id: UUID, seconds: float) -> None:
    """As if Postgres had last been told of a use so long ago."""
    with services.database.transaction() as connection:
        connection.execute(
            text("update sessions set last_seen_at = now() - make_interval(secs => :seconds) where id = :id"),
            {"seconds": seconds, "id": session_id},
        )


def seconds_left(services: Services, token: str) -> float:
    return (services.sessions.stands(token).ends_at - datetime.now(UTC)).total_seconds()


# The idle time.


def test_looking_does_not_keep_a_session_and_using_does(another: Another, user: User) -> None:
    services = another(session_idle=2.0)
    looked_at, used = opened(services, user)[0], opened(services, user)[0]
    until = time.monotonic() + 3
    while time.monotonic() < until:
        services.sessions.verify(used)
        if time.monotonic() < until - 1.5:
            services.sessions.stands(looked_at)
        time.sleep(0.1)
    services.sessions.verify(used)
    for ask in (services.sessions.stands, services.sessions.verify):
        with pytest.raises(NotSignedIn):
            ask(looked_at)


@pytest.mark.parametrize("has_redis", [True, False])
def test_looking_says_when_it_ends(another: Another, no_redis: redis.Redis, user: User, has_redis: bool) -> None:
    services = another(session_idle=100.0, client=None if has_redis else no_redis)
    token, session = opened(services, user)
    assert services.sessions.stands(token).session.id == session.id
    assert 98 < seconds_left(services, token) <= 100
    if has_redis:
        services.client.pexpire(keys.session(session.id), 30_000)
    else:
        age(services, session.id, 70)
    later = another(session_idle=100.0, client=None if has_redis else no_redis)
    assert 28 < seconds_left(later, token) <= 30
    later.sessions.verify(token)
    assert 98 < seconds_left(later, token) <= 100


def test_it_ends_at_the_latest_with_its_absolute_time(another: Another, user: User) -> None:
    services = another(session_absolute=3.0)
    token, session = opened(services, user)
    assert services.sessions.stands(token).ends_at == session.expires_at
    services.sessions.verify(token)
    time.sleep(3.1)
    assert refuses(services.sessions, token)


def test_looking_leaves_no_check_that_a_use_would_rest_on(another: Another, user: User, client: redis.Redis) -> None:
    services = another(session_idle=1000.0)
    token, session = opened(services, user)
    client.pexpire(keys.session(session.id), 500_000)
    assert seconds_left(services, token) < 501
    services.sessions.verify(token)
    assert client.pttl(keys.session(session.id)) > 990_000
    assert seconds_left(services, token) > 990


def test_postgres_ends_no_session_that_redis_knows_in_use(services: Services, another: Another, user: User) -> None:
    token, session = opened(services, user)
    age(services, session.id, 10 * services.settings.session_idle)
    fresh = another()
    fresh.sessions.stands(token)
    fresh.sessions.verify(token)
    with services.database.statement() as connection:
        seen = connection.execute(
            text("select now() - last_seen_at from sessions where id = :id"), {"id": session.id}
        ).scalar_one()
    assert seen < timedelta(seconds=5)  # and was told of this use


@pytest.mark.parametrize("ask", ["verify", "stands"])
def test_an_idle_session_ends_also_when_only_postgres_is_left(
    services: Services, another: Another, no_redis: redis.Redis, user: User, ask: str
) -> None:
    (token, session), (fresh, _) = opened(services, user), opened(services, user)
    age(services, session.id, services.settings.session_idle + 1)
    services.client.flushall()
    for process in (another(), another(client=no_redis)):
        with pytest.raises(NotSignedIn):
            getattr(process.sessions, ask)(token)
        getattr(process.sessions, ask)(fresh)


def test_looking_tells_postgres_of_no_use(
    services: Services, another: Another, no_redis: redis.Redis, user: User
) -> None:
    token, session = opened(services, user)
    age(services, session.id, 600)
    without_redis = another(client=no_redis)
    without_redis.sessions.stands(token)
    (view,) = services.sessions.of_user(user, user.id)
    assert datetime.now(UTC) - view.last_seen_at > timedelta(seconds=590)
    without_redis.sessions.verify(token)
    (view,) = services.sessions.of_user(user, user.id)
    assert datetime.now(UTC) - view.last_seen_at < timedelta(seconds=10)


# Keys, and what a stranger may choose.


def test_a_secret_is_replaced_without_signing_anybody_out(services: Services, another: Another, user: User) -> None:
    token, _ = opened(services, user)
    replaced = another(secret_key=SecretStr("newer"), previous_secret_key=services.settings.secret_key)
    replaced.sessions.verify(token)
    newer, _ = opened(replaced, user)
    assert refuses(services.sessions, newer)  # it signs with the newer one only
    over = another(secret_key=SecretStr("newer"))
    assert refuses(over.sessions, token)
    over.sessions.verify(newer)


def test_signing_in_again_ends_the_session_that_the_browser_had(
    services: Services, user: User, new_user: NewUser
) -> None:
    before, _ = opened(services, new_user())
    untouched, _ = opened(services, user)
    ticket = services.sessions.issue_ticket(user)
    token, session = services.sessions.exchange(ticket, address="::1", user_agent=FIREFOX, replaces=before)
    assert token not in {before, untouched}
    assert session.user.id == user.id
    assert refuses(services.sessions, before)
    services.sessions.verify(untouched)
    services.sessions.verify(token)


@pytest.mark.parametrize("planted", ["a ticket of mine", "", "\ud800"])
def test_what_a_stranger_chose_becomes_no_session(
    services: Services, user: User, client: redis.Redis, planted: str
) -> None:
    client.set(keys.session(uuid4()), user.id)
    with pytest.raises(NotSignedIn):
        services.sessions.exchange(planted, address="::1", user_agent=FIREFOX)
    ticket = services.sessions.issue_ticket(user)
    token, _ = services.sessions.exchange(ticket, address="::1", user_agent=FIREFOX, replaces=planted)
    assert token != planted
    with pytest.raises(NotSignedIn):
        services.sessions.exchange(ticket, address="::1", user_agent=FIREFOX, replaces=token)
    services.sessions.verify(token)  # a ticket that is no good ends nothing


def test_what_is_planted_in_redis_is_no_session(
    services: Services, another: Another, user: User, client: redis.Redis
) -> None:
    token, session = opened(services, user)
    services.sessions.revoke(session)
    for value in (str(user.id), "", "x", "ended"):
        client.set(keys.session(session.id), value, ex=1000)
        assert refuses(another().sessions, token)
    client.delete(keys.session(session.id))
    client.rpush(keys.session(session.id), "of another type")
    assert refuses(another().sessions, token)
    live, other = opened(services, user)
    client.delete(keys.session(other.id))
    client.rpush(keys.session(other.id), "of another type")
    process = another()
    process.sessions.verify(live)
    assert process.sessions.stands(live).session.id == other.id


def test_whoever_read_it_just_before_it_ended_does_not_bring_it_back(
    services: Services, another: Another, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, session = opened(services, user)
    slow = another()
    remember = slow.sessions._remember_in_redis
    slow.client.delete(keys.session(session.id))

    def later(*asked: object) -> None:
        services.sessions.revoke(session)
        remember(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(slow.sessions, "_remember_in_redis", later)
    slow.sessions.verify(token)  # it stood when Postgres was asked
    assert services.client.get(keys.session(session.id)) == b"ended"
    time.sleep(1.05)
    assert refuses(slow.sessions, token)


def test_a_session_made_as_a_role_changed_has_the_version_before(
    services: Services, another: Another, user: User
) -> None:
    token, _ = opened(services, user)
    with services.database.transaction() as connection:  # as a change that did not see the session
        connection.execute(text("update users set version = version + 1 where id = :id"), {"id": user.id})
    assert services.sessions.of_user(user, user.id) == ()
    assert refuses(another().sessions, token)


# One's own list.


def test_the_list_says_what_and_where(services: Services, user: User, new_user: NewUser) -> None:
    opened(services, new_user())
    token, session = opened(services, user)
    services.sessions.open(user, address="::1", user_agent="curl/8.5.0")
    age(services, session.id, 200)
    newest, older = services.sessions.of_user(user, user.id)
    assert (newest.device, newest.address) == ("curl", "::1")
    assert (older.id, older.user_id) == (session.id, user.id)
    assert (older.device, older.address) == ("Firefox on Windows", "203.0.113.9")
    assert older.created_at > older.last_seen_at  # as Postgres was told
    assert abs(older.expires_at - session.expires_at) < timedelta(seconds=1)
    services.sessions.revoke(session)
    assert [one.id for one in services.sessions.of_user(user, user.id)] == [newest.id]
    assert refuses(services.sessions, token)


def test_others_and_all_end_everywhere(services: Services, another: Another, user: User, new_user: NewUser) -> None:
    mine, here = opened(services, user)
    others = [opened(services, user)[0] for _ in range(2)]
    strangers, _ = opened(services, new_user())
    hearing = another()
    hearing.listen()
    eventually(hearing.sessions.hears, 5)
    for token in (mine, strangers, *others):
        hearing.sessions.verify(token)
    assert services.sessions.end_others(here) == 2
    for token in others:
        eventually(lambda token=token: refuses(hearing.sessions, token), SOON, "the refusal")
    services.sessions.verify(mine)
    services.sessions.verify(strangers)
    assert services.sessions.end_all(user, user.id, reason="lost my laptop") == 1
    eventually(lambda: refuses(hearing.sessions, mine), SOON, "the refusal")
    hearing.sessions.verify(strangers)
    assert services.sessions.end_all(user, user.id, reason="again") == 0
    with services.database.statement() as connection:
        reasons = connection.execute(
            text("select reason from events where user_id = :id and action = 'session ended' order by id"),
            {"id": user.id},
        ).scalars()
        assert list(reasons) == ["signed out all others", "lost my laptop"]


def test_own_or_as_an_admin(services: Services, user: User, new_user: NewUser) -> None:
    token, session = opened(services, user)
    for role in (Role.CREATOR, Role.ANALYST, Role.OPERATOR):
        stranger = new_user(role)
        for ask in (
            lambda: services.sessions.of_user(stranger, user.id),  # noqa: B023 - called at once
            lambda: services.sessions.end(stranger, session.id),  # noqa: B023
            lambda: services.sessions.end_all(stranger, user.id, reason="x"),  # noqa: B023
        ):
            with pytest.raises(NotFound):
                ask()
    services.sessions.verify(token)
    with pytest.raises(NotFound):
        services.sessions.end(user, uuid4())
    admin = new_user(Role.ADMIN)
    services.sessions.end(admin, services.sessions.of_user(admin, user.id)[0].id)
    assert refuses(services.sessions, token)
    with pytest.raises(NotFound):
        services.sessions.end(user, session.id)
    token, session = opened(services, user)
    services.sessions.end(user, session.id)
    assert refuses(services.sessions, token)
