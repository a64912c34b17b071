"""API tokens: known to whoever made them, good until their day, and ended everywhere within a second."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import redis
from sqlalchemy import text

from services.bootstrap import Services
from services.errors import BadInput, IllegalMove, NotAllowed, NotFound, NotSignedIn
from services.model import Role, User
from services.records import users
from services.tokens import MOST_OF_A_USER, PREFIX
from services.users import shut_out
from tests.integration.conftest import NewUser, refuses
from tests.integration.fleet import eventually

Another = Callable[..., Services]
SOON = 1.5  # seconds: a revocation counts within one


@pytest.fixture
def user(new_user: NewUser) -> User:
    return new_user()


def test_a_token_lets_in_its_maker_and_is_kept_nowhere(services: Services, user: User) -> None:
    made = services.tokens.create(user, name="  nightly upload ", days=30)
    assert made.token.startswith(PREFIX)
    assert len(made.token) > 40
    assert made.token.endswith(made.view.hint)
    assert abs(made.view.expires_at - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    session = services.tokens.verify(made.token)
    assert (session.id, session.user.id, session.user.role) == (made.view.id, user.id, user.role)
    (view,) = services.tokens.of_user(user, user.id)
    assert (view.name, view.last_used_at is not None) == ("nightly upload", True)
    with services.database.statement() as connection:
        row = connection.execute(text("select * from api_tokens where id = :id"), {"id": view.id}).one()
    assert row.digest == hashlib.sha256(made.token.encode()).digest()
    assert not any(isinstance(value, str) and made.token in value for value in row)
    with pytest.raises(NotSignedIn):  # a token is no session's
        services.sessions.verify(made.token)


@pytest.mark.parametrize("token", [None, "", "backlot_", "backlot_made-up", "x", "backlot_\ud800", "backlot_" * 10_000])
def test_what_is_none_gets_nothing(services: Services, token: str | None) -> None:
    with pytest.raises(NotSignedIn):
        services.tokens.verify(token)


def test_what_may_be_made(services: Services, user: User) -> None:
    for name, days in (
        ("", 1),
        (" ", 1),
        ("x" * 101, 1),
        ("a\x00b", 1),
        ("\ud800", 1),
        ("x", 0),
        ("x", 366),
        ("x", -1),
    ):
        with pytest.raises(BadInput):
            services.tokens.create(user, name=name, days=days)
    assert services.tokens.of_user(user, user.id) == ()


def test_nobody_has_more_than_twenty_also_at_once(services: Services, user: User) -> None:
    def make(number: int) -> bool:
        try:
            services.tokens.create(user, name=f"token {number}", days=1)
        except IllegalMove:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(MOST_OF_A_USER + 8))) == MOST_OF_A_USER
    views = services.tokens.of_user(user, user.id)
    assert len(views) == MOST_OF_A_USER
    assert list(views) == sorted(views, key=lambda view: view.created_at, reverse=True)
    services.tokens.revoke(user, views[0].id)
    assert make(99)


def test_an_expired_token_is_refused_also_from_memory(services: Services, user: User) -> None:
    made = services.tokens.create(user, name="x", days=1)
    with services.database.transaction() as connection:
        connection.execute(
            text("update api_tokens set expires_at = now() + interval '0.4 seconds' where id = :id"),
            {"id": made.view.id},
        )
    services.tokens.verify(made.token)
    time.sleep(0.5)
    assert refuses(services.tokens, made.token)
    assert services.tokens.of_user(user, user.id) == ()


def test_own_or_as_an_admin(services: Services, user: User, new_user: NewUser) -> None:
    made = services.tokens.create(user, name="x", days=1)
    for role in (Role.CREATOR, Role.ANALYST, Role.OPERATOR):
        stranger = new_user(role)
        with pytest.raises(NotFound):
            services.tokens.of_user(stranger, user.id)
        with pytest.raises(NotFound):
            services.tokens.revoke(stranger, made.view.id)
    with pytest.raises(NotFound):
        services.tokens.revoke(user, uuid4())
    admin = new_user(Role.ADMIN)
    assert services.tokens.of_user(admin, user.id)[0].id == made.view.id
    services.tokens.revoke(admin, made.view.id)
    assert refuses(services.tokens, made.token)
    with pytest.raises(NotFound):
        services.tokens.revoke(admin, made.view.id)


def test_a_revoked_token_is_refused_by_who_hears_and_by_who_cannot(
    services: Services, another: Another, user: User, client: redis.Redis
) -> None:
    made = services.tokens.create(user, name="x", days=1)
    hearing, deaf = another(), another(client=redis.Redis(port=1, socket_connect_timeout=0.1, retry=None))
    hearing.listen()
    eventually(hearing.sessions.hears, 5)
    for process in (services, hearing, deaf):
        process.tokens.verify(made.token)
    services.tokens.revoke(user, made.view.id)
    assert refuses(services.tokens, made.token)
    eventually(lambda: refuses(hearing.tokens, made.token), SOON, "the refusal")
    eventually(lambda: refuses(deaf.tokens, made.token), SOON, "the refusal")
    client.flushall()
    assert refuses(another().tokens, made.token)


def test_the_role_is_the_present_one(services: Services, another: Another, user: User) -> None:
    made = services.tokens.create(user, name="x", days=1)
    with services.database.transaction() as connection:  # as no service does it: services end the token
        connection.execute(text("update users set role = 'analyst' where id = :id"), {"id": user.id})
    assert another().tokens.verify(made.token).user.role is Role.ANALYST


def test_who_is_shut_out_meanwhile_gets_no_token(services: Services, user: User) -> None:
    """The reset holds the person's row; the request for a token passed the gate before it."""
    _, session = services.sessions.open(user, address="::1", user_agent="test")
    with ThreadPoolExecutor(1) as pool:
        with services.database.transaction() as connection:
            users.find(connection, user.id, hold=True)
            asked = pool.submit(services.tokens.create, user, name="x", days=365, session_id=session.id)
            time.sleep(0.3)
            shut_out(connection, user.id, reason="password reset")
        with pytest.raises(NotSignedIn):
            asked.result(10)
    assert services.tokens.of_user(user, user.id) == ()


@pytest.mark.parametrize("change", ["role = 'operator'", "disabled_at = now()"])
def test_who_was_changed_meanwhile_gets_no_token(services: Services, user: User, change: str) -> None:
    with services.database.transaction() as connection:
        connection.execute(text(f"update users set {change} where id = :id"), {"id": user.id})
    with pytest.raises(NotSignedIn):
        services.tokens.create(user, name="x", days=1)


def test_a_token_makes_no_tokens(services: Services, user: User) -> None:
    program = services.tokens.verify(services.tokens.create(user, name="x", days=1).token)
    with pytest.raises(NotAllowed, match="makes no tokens"):
        services.tokens.create(user, name="y", days=365, session_id=program.id)
