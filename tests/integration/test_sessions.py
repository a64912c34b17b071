"""Sign-in and sessions: what is not ours, ended or too old gets nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import redis

from services.bootstrap import Services
from services.errors import BadInput, NotSignedIn, Refused
from services.model import Role, Session, User
from services.session_tokens import encode
from services.signing import Keys

Another = Callable[..., Services]


@pytest.fixture
def user_and_password(services: Services) -> tuple[User, str]:
    name = f"person-{uuid4().hex[:8]}"
    password = services.accounts.create_user(name, Role.CREATOR)
    return services.accounts.find(name), password


def sign_in(services: Services, user: User) -> str:
    token, _ = services.sessions.exchange(services.sessions.issue_ticket(user), address="::1", user_agent="test")
    return token


def test_a_ticket_is_good_once(services: Services, user_and_password: tuple[User, str]) -> None:
    ticket = services.sessions.issue_ticket(user_and_password[0])
    token, session = services.sessions.exchange(ticket, address="::1", user_agent="test")
    assert services.sessions.verify(token) == session
    with pytest.raises(NotSignedIn):
        services.sessions.exchange(ticket, address="::1", user_agent="test")
    with pytest.raises(NotSignedIn):
        services.sessions.exchange("made up", address="::1", user_agent="test")


def test_a_revoked_session_is_refused_also_after_flushall(
    services: Services, another: Another, client: redis.Redis, user_and_password: tuple[User, str]
) -> None:
    token = sign_in(services, user_and_password[0])
    session = services.sessions.verify(token)
    other_process = another()
    other_process.sessions.verify(token)
    services.sessions.revoke(session)
    with pytest.raises(NotSignedIn):
        services.sessions.verify(token)
    time.sleep(1.05)
    with pytest.raises(NotSignedIn):
        other_process.sessions.verify(token)
    client.flushall()
    for process in (services, other_process, another()):
        with pytest.raises(NotSignedIn):
            process.sessions.verify(token)


def test_a_live_session_survives_flushall_and_a_missing_redis(
    services: Services, another: Another, client: redis.Redis, user_and_password: tuple[User, str]
) -> None:
    token = sign_in(services, user_and_password[0])
    client.flushall()
    another().sessions.verify(token)
    nobody = redis.Redis(port=1, socket_connect_timeout=0.1, retry=None)
    without_redis = another(client=nobody)
    session = without_redis.sessions.verify(token)
    without_redis.sessions.revoke(session)
    with pytest.raises(NotSignedIn):
        without_redis.sessions.verify(token)


def test_a_valid_signature_alone_is_no_session(
    services: Services, another: Another, user_and_password: tuple[User, str]
) -> None:
    user, signing = user_and_password[0], Keys.of("a secret of the tests", "session")
    made_up = Session(id=uuid4(), user=user, expires_at=datetime.now(UTC) + timedelta(hours=1))
    session = services.sessions.verify(sign_in(services, user))
    anothers = replace(session, user=replace(user, id=user.id + 1))
    for claimed in (made_up, anothers):
        with pytest.raises(NotSignedIn):
            another().sessions.verify(encode(claimed, signing))


def test_a_session_ends_when_it_was_not_used(another: Another, user_and_password: tuple[User, str]) -> None:
    brief = another(session_idle=1.0)
    token = sign_in(brief, user_and_password[0])
    brief.sessions.verify(token)
    time.sleep(2.2)
    with pytest.raises(NotSignedIn):
        brief.sessions.verify(token)


def test_sign_in_and_first_password(services: Services, user_and_password: tuple[User, str]) -> None:
    user, password = user_and_password
    assert services.accounts.sign_in(user.name.upper(), password, address="::1").must_change_password
    token = sign_in(services, user)
    with pytest.raises(Refused, match="present password"):
        services.accounts.change_password(user, "wrong", "a longer sentence")
    for poor in ("short", password, f"i am {user.name}"):
        with pytest.raises(BadInput):
            services.accounts.change_password(user, password, poor)
    services.accounts.change_password(user, password, "a longer sentence")
    with pytest.raises(NotSignedIn):
        services.sessions.verify(token)
    assert not services.accounts.sign_in(user.name, "a longer sentence", address="::1").must_change_password
    with pytest.raises(Refused):
        services.accounts.sign_in(user.name, password, address="::1")


def test_the_first_admin_is_made_once(services: Services) -> None:
    services.accounts.ensure_first_admin()
    assert services.accounts.ensure_first_admin() is None
    assert services.accounts.first_admin().role is Role.ADMIN
