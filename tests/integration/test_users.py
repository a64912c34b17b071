"""Users as admins change them: what lets a person in ends with their role, and one admin is always left."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.bootstrap import Services
from services.errors import BacklotError, BadInput, IllegalMove, NotAllowed, NotFound, NotSignedIn, Refused
from services.model import Role, User
from tests.integration.conftest import NewUser

NEW_PASSWORD = "a longer sentence of mine"


@pytest.fixture
def admin(new_user: NewUser) -> User:
    return new_user(Role.ADMIN)


def a_name() -> str:
    return f"person-{uuid4().hex[:8]}"


def sign_in(services: Services, user: User) -> str:
    return services.sessions.open(user, address="::1", user_agent="test")[0]


def events_of(services: Services, user_id: int) -> list[tuple[str, str, str | None]]:
    with services.database.statement() as connection:
        rows = connection.execute(
            text("select actor, action, reason from events where user_id = :id order by id"), {"id": user_id}
        )
        return [(row.actor, row.action, row.reason) for row in rows]


def test_a_new_user_chooses_a_password_by_a_link_that_is_good_once(services: Services, admin: User) -> None:
    name = a_name()
    link = services.users.create(admin, f"  {name.upper()} ", Role.OPERATOR)
    user = services.accounts.find(name)
    with pytest.raises(Refused, match="not right"):
        services.accounts.sign_in(name, "", address=name)
    assert services.accounts.who_resets(link.token) == name
    for poor in ("short", "password123", f"this is {name}"):
        with pytest.raises(BadInput):
            services.accounts.reset_password(link.token, poor)
    assert services.accounts.reset_password(link.token, NEW_PASSWORD).id == user.id
    for ask in (services.accounts.who_resets, lambda token: services.accounts.reset_password(token, NEW_PASSWORD)):
        with pytest.raises(NotFound):
            ask(link.token)
    signed_in = services.accounts.sign_in(name, NEW_PASSWORD, address=name)
    assert not signed_in.must_change_password
    assert signed_in.role is Role.OPERATOR
    assert [(actor, action) for actor, action, _ in events_of(services, user.id)] == [
        (f"user:{admin.id}", "user created"),
        (f"user:{admin.id}", "reset link made"),
        (f"user:{user.id}", "password reset"),
        (f"user:{user.id}", "signed in"),
    ]


def test_a_link_ends_what_let_the_person_in(services: Services, admin: User, new_user: NewUser) -> None:
    user = new_user()
    token, program = sign_in(services, user), services.tokens.create(user, name="a script", days=1).token
    ticket = services.sessions.issue_ticket(user)
    older, newer = (services.users.reset_link(admin, user.id) for _ in range(2))
    with services.database.statement() as connection:
        kept = connection.execute(text("select digest from reset_links where user_id = :id"), {"id": user.id}).scalars()
        assert list(kept) == [hashlib.sha256(newer.token.encode()).digest()]
    with pytest.raises(NotFound):
        services.accounts.who_resets(older.token)
    assert services.sessions.verify(token).user.id == user.id  # nothing ends until a password is saved
    services.accounts.reset_password(newer.token, NEW_PASSWORD)
    with pytest.raises(NotSignedIn):
        services.sessions.verify(token)
    with pytest.raises(NotSignedIn):
        services.tokens.verify(program)
    with pytest.raises(NotSignedIn):
        services.sessions.exchange(ticket, address="::1", user_agent="test")


def test_a_link_ends_after_a_day_and_with_who_is_disabled(services: Services, admin: User, new_user: NewUser) -> None:
    user = new_user()
    link = services.users.reset_link(admin, user.id)
    with services.database.transaction() as connection:
        connection.execute(
            text("update reset_links set expires_at = expires_at - interval '24 hours 1 second' where user_id = :id"),
            {"id": user.id},
        )
    with pytest.raises(NotFound):
        services.accounts.who_resets(link.token)
    link = services.users.reset_link(admin, user.id)
    services.users.disable(admin, user.id, reason="left")
    for ask in (services.accounts.who_resets, lambda token: services.accounts.reset_password(token, NEW_PASSWORD)):
        with pytest.raises(NotFound):
            ask(link.token)
    with pytest.raises(IllegalMove):
        services.users.reset_link(admin, user.id)


def test_a_link_used_twice_at_once_is_used_once(services: Services, admin: User, new_user: NewUser) -> None:
    link = services.users.reset_link(admin, new_user().id)

    def use(number: int) -> bool:
        try:
            services.accounts.reset_password(link.token, f"{NEW_PASSWORD} {number}")
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == [False, False, False, True]


@pytest.mark.parametrize("change", ["role", "disable"])
def test_a_change_ends_all_sessions_and_tokens_everywhere(
    services: Services, another: Callable[..., Services], admin: User, new_user: NewUser, change: str
) -> None:
    user, other = new_user(), another()
    tokens = [sign_in(services, user), sign_in(other, user)]
    program = other.tokens.create(user, name="a script", days=1).token
    for token in tokens:
        services.sessions.verify(token)
    services.tokens.verify(program)
    if change == "role":
        services.users.set_role(admin, user.id, Role.ANALYST, reason="moved to numbers")
    else:
        services.users.disable(admin, user.id, reason="left")
    third = another()
    for process in (services, third):
        for token in tokens:
            with pytest.raises(NotSignedIn):
                process.sessions.verify(token)
        with pytest.raises(NotSignedIn):
            process.tokens.verify(program)
    view = services.users.get(admin, user.id)
    assert view.open_sessions == 0
    if change == "role":
        assert view.role is Role.ANALYST
        token, session = services.sessions.open(user, address="::1", user_agent="test")
        assert session.user.role is services.sessions.verify(token).user.role is Role.ANALYST
    else:
        assert view.disabled_at is not None
        with pytest.raises(NotSignedIn):
            sign_in(services, user)
        services.users.enable(admin, user.id, reason="came back")
        sign_in(services, user)
    with pytest.raises(NotSignedIn):
        services.sessions.verify(tokens[0])


def test_nobody_changes_themselves_and_one_admin_is_left(services: Services, new_user: NewUser) -> None:
    one, two = new_user(Role.ADMIN), new_user(Role.ADMIN)
    for change in (
        lambda: services.users.set_role(one, one.id, Role.CREATOR, reason="x"),
        lambda: services.users.disable(one, one.id, reason="x"),
    ):
        with pytest.raises(IllegalMove):
            change()
    with services.database.transaction() as connection:
        others = connection.execute(
            text(
                "update users set disabled_at = now() where role = 'admin' and id not in (:one, :two)"
                " and disabled_at is null returning id"
            ),
            {"one": one.id, "two": two.id},
        ).scalars()
        disabled = list(others)

    def demote(pair: tuple[User, User]) -> bool:
        try:
            services.users.set_role(pair[0], pair[1].id, Role.CREATOR, reason="a quarrel")
        except BacklotError:
            return False
        return True

    try:
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(demote, [(one, two), (two, one)])) == [False, True]
        with services.database.statement() as connection:
            left = connection.execute(
                text("select count(*) from users where role = 'admin' and disabled_at is null")
            ).scalar_one()
        assert left == 1
    finally:
        with services.database.transaction() as connection:
            connection.execute(text("update users set disabled_at = null where id = any(:ids)"), {"ids": disabled})


def test_only_admins(services: Services, admin: User, new_user: NewUser) -> None:
    user = new_user()
    for role in (Role.CREATOR, Role.ANALYST, Role.OPERATOR):
        actor = new_user(role)
        for ask in (
            lambda: services.users.find(actor),  # noqa: B023 - called at once
            lambda: services.users.get(actor, user.id),  # noqa: B023
            lambda: services.users.create(actor, a_name(), Role.ADMIN),  # noqa: B023
            lambda: services.users.set_role(actor, user.id, Role.ADMIN, reason="x"),  # noqa: B023
            lambda: services.users.disable(actor, user.id, reason="x"),  # noqa: B023
            lambda: services.users.enable(actor, user.id, reason="x"),  # noqa: B023
            lambda: services.users.reset_link(actor, user.id),  # noqa: B023
        ):
            with pytest.raises(NotAllowed):
                ask()
    assert services.users.get(admin, user.id).role is user.role


def test_what_cannot_be_done_says_why(services: Services, admin: User, new_user: NewUser) -> None:
    user = new_user()
    for name, why in ((user.name, "already"), ("two words", "a-z"), ("", "a-z"), ("é" * 5, "a-z")):
        with pytest.raises(BadInput, match=why):
            services.users.create(admin, name, Role.CREATOR)
    for reason in ("", "   ", "x" * 501):
        with pytest.raises(BadInput, match="why"):
            services.users.disable(admin, user.id, reason=reason)
    with pytest.raises(IllegalMove):
        services.users.set_role(admin, user.id, user.role, reason="x")
    with pytest.raises(IllegalMove):
        services.users.enable(admin, user.id, reason="x")
    for ask in (
        lambda: services.users.get(admin, 2**40),
        lambda: services.users.reset_link(admin, 2**40),
        lambda: services.users.disable(admin, 2**40, reason="x"),
    ):
        with pytest.raises(NotFound):
            ask()
    services.users.disable(admin, user.id, reason="left the team")
    assert events_of(services, user.id)[-1] == (f"user:{admin.id}", "user disabled", "left the team")


def test_users_are_found_by_name_page_by_page(services: Services, admin: User, new_user: NewUser) -> None:
    word = uuid4().hex[:8]
    made = sorted(f"{letter}-{word}" for letter in "bdace")
    for name in made:
        services.users.create(admin, name, Role.ANALYST if name[0] < "d" else Role.CREATOR)
    seen: list[str] = []
    place = None
    while True:
        page = services.users.find(admin, text=f" {word.upper()} ", place=place, limit=2)
        seen += [row.name for row in page.rows]
        if page.next is None:
            break
        place = page.next
    assert seen == made
    found = services.users.find(admin, text=word, role=Role.ANALYST).rows
    assert [row.name for row in found] == made[:3]
    for text_of in ("%", "_" * 65, "\x00", "\ud800", "'"):
        assert services.users.find(admin, text=text_of).rows == ()
    user = services.accounts.find(made[0])
    assert services.users.get(admin, user.id).last_seen_at is None
    sign_in(services, user)
    view = services.users.get(admin, user.id)
    assert (view.open_sessions, view.last_seen_at is not None, view.must_change_password) == (1, True, True)


def test_who_is_an_admin_no_more_makes_nobody_and_no_link(services: Services, admin: User, new_user: NewUser) -> None:
    """Whatever their session still says."""
    victim, name = new_user(Role.ADMIN), a_name()
    services.users.set_role(victim, admin.id, Role.CREATOR, reason="left the team")
    with pytest.raises(NotAllowed, match="not an admin any more"):
        services.users.create(admin, name, Role.ADMIN)
    with pytest.raises(NotAllowed, match="not an admin any more"):
        services.users.reset_link(admin, victim.id)
    assert services.users.find(victim, text=name).rows == ()


def test_the_number_of_sessions_is_that_of_the_list(
    another: Callable[..., Services], admin: User, new_user: NewUser
) -> None:
    brief = another(session_idle=600)
    user = new_user()
    sign_in(brief, user)
    for age in (690, 710):
        with brief.database.transaction() as connection:
            connection.execute(
                text("update sessions set last_seen_at = now() - make_interval(secs => :age) where user_id = :id"),
                {"age": age, "id": user.id},
            )
        listed = len(brief.sessions.of_user(user, user.id))
        assert (listed, brief.users.get(admin, user.id).open_sessions) == ((1, 1) if age == 690 else (0, 0))
