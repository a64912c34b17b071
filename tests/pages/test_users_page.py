"""Users: the list and one of them, for admins alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console.components import row_list, user_list
from services.model import LimitName, Role, User
from tests.pages.acting import speaking
from tests.pages.conftest import Run, components, keyed
from tests.web.fakes import ANA, BO, NEW, FakeServices

USERS = "../pages/users.py"
NAMES = ["Change role", "Disable", "New password link"]
Say = Callable[[str, str, str], None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    return speaking(monkeypatch, row_list, "_row_list")


def listed(page: AppTest) -> list[str]:
    return [row["name"] for row in keyed(page, "user_list")["rows"]]


def form_button(page: AppTest, label: str) -> Any:
    return [button for button in page.button if button.label == label][-1]


def many(services: FakeServices, count: int) -> None:
    for number in range(count):
        user = User(id=100 + number, name=f"user-{number:03}", role=Role.ANALYST, must_change_password=False)
        services.accounts.users[user.name] = user


def test_users_are_listed_with_role_and_state(run: Run, services: FakeServices) -> None:
    services.users.disabled[BO.id] = datetime.now(UTC)
    rows = {row["name"]: row for row in keyed(run(ANA, USERS), "user_list")["rows"]}
    assert {name: row["state"]["label"] for name, row in rows.items()} == {
        "ana": "Active",
        "bo": "Disabled",
        "cy": "No password yet",
    }
    assert (rows["ana"]["role"], rows["ana"]["sessions"]) == ("Admin", 1)


def test_they_are_narrowed_by_name_and_role(run: Run, services: FakeServices) -> None:
    page = run(ANA, USERS)
    page.text_input(key="users_text").set_value("B").run()
    assert listed(page) == ["bo"]
    page.text_input(key="users_text").set_value("").run()
    page.selectbox(key="users_role").set_value(Role.CREATOR).run()
    assert listed(page) == ["bo", "cy"]
    page.text_input(key="users_text").set_value("nobody").run()
    assert page.info[0].value == "No creator is called that."


def test_pages_follow_each_other_and_a_search_begins_anew(run: Run, services: FakeServices) -> None:
    many(services, 120)
    page = run(ANA, USERS)
    first = listed(page)
    assert page.button(key="users_back").disabled
    page.button(key="users_next").click().run()
    second = listed(page)
    page.button(key="users_next").click().run()
    assert page.button(key="users_next").disabled
    assert [*first, *second, *listed(page)] == sorted(services.accounts.users)
    page.button(key="users_back").click().run()
    assert listed(page) == second
    page.button(key="users_next").click().run()
    page.text_input(key="users_text").set_value("ana").run()
    assert listed(page) == ["ana"]


def test_a_row_leads_to_the_user(run: Run, services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    say = speaking(monkeypatch, user_list, "_user_list")
    page = run(ANA, USERS)
    say("user_list", "opened", str(BO.id))
    page.run()
    assert page.query_params["user"] == str(BO.id)
    assert page.title[0].value == "bo"
    page.button(key="user_back").click().run()
    assert "user" not in page.query_params
    assert page.title[0].value == "Users"


def test_a_user_is_made_and_the_link_is_shown_once(run: Run, services: FakeServices) -> None:
    page = run(ANA, USERS)

    def make(name: str) -> None:
        page.button(key="users_new").click().run()
        page.button(key="users_new").click()  # the harness runs the whole page, and so opens the dialog once more
        page.text_input(key="new_user_name").set_value(name)
        page.radio(key="new_user_role").set_value(Role.OPERATOR)
        form_button(page, "Make the user").click().run()

    make("bo")
    assert "already" in page.warning[0].value
    assert page.text_input(key="new_user_name").value == "bo"  # what was typed stays
    make("dora")
    assert services.accounts.users["dora"].role is Role.OPERATOR
    (link,) = services.accounts.links
    shown = keyed(page, "users_new_link")
    assert (shown["secret"], shown["is_link"]) == (link, True)
    assert "24 hours" in shown["note"]
    assert "dora" in listed(page)


@pytest.mark.parametrize("chosen", ["0", "99", "x", "1; drop", "٣", ""])
def test_an_address_of_nobody_says_so(run: Run, services: FakeServices, chosen: str) -> None:
    page = run(ANA, USERS, user=chosen)
    assert "no such user" in page.warning[0].value


def test_a_role_is_changed_with_a_reason(run: Run, services: FakeServices) -> None:
    services.sessions.open(BO)
    services.sessions.open(BO)
    page = run(ANA, USERS, user=str(BO.id))

    def change(reason: str) -> None:
        page.button(key="user_role").click().run()
        assert any("All 2 of their sessions end now" in caption.value for caption in page.caption)
        page.button(key="user_role").click()
        page.radio(key="user_new_role").set_value(Role.ANALYST)
        page.text_input(key="user_reason").set_value(reason)
        form_button(page, "Change role").click().run()

    change(" ")
    assert "why" in page.warning[0].value
    assert services.accounts.users["bo"].role is Role.CREATOR
    change("moved to research")
    assert services.accounts.users["bo"].role is Role.ANALYST
    assert services.users.told == [("role changed", BO.id, "moved to research")]


def test_somebody_is_disabled_and_enabled(run: Run, services: FakeServices) -> None:
    page = run(ANA, USERS, user=str(BO.id))
    for name, done in (("Disable", "disabled"), ("Enable", "enabled")):
        opener = f"user_{name.lower()}"
        page.button(key=opener).click().run()
        page.button(key=opener).click()
        page.text_input(key="user_reason").set_value("left for a while")
        form_button(page, name).click().run()
        assert services.users.told[-1] == (done, BO.id, "left for a while")
    assert not services.users.disabled


def test_nobody_changes_themselves(run: Run, services: FakeServices) -> None:
    page = run(ANA, USERS, user=str(ANA.id))
    assert {button.label for button in page.button} & set(NAMES) == {"New password link"}
    page = run(ANA, USERS, user=str(BO.id))
    assert {button.label for button in page.button} & set(NAMES) == set(NAMES)


def test_a_new_link_is_shown(run: Run, services: FakeServices) -> None:
    page = run(ANA, USERS, user=str(BO.id))
    page.button(key="user_link").click().run()
    (link,) = services.accounts.links
    assert keyed(page, "users_new_link")["secret"] == link


def test_their_sessions_and_tokens_end(run: Run, services: FakeServices, say: Say) -> None:
    for _ in range(3):
        services.sessions.open(BO)
    made = services.tokens.create(BO, name="export", days=7)
    page = run(ANA, USERS, user=str(BO.id))
    shown = keyed(page, "user_session_list")["rows"]
    assert len(shown) == 3
    assert not any(row["chip"] for row in shown)
    say("user_session_list", "acted", shown[0]["id"])
    page.run()
    assert len(services.sessions.of_user(ANA, BO.id)) == 2
    say("user_token_list", "acted", str(made.view.id))
    page.run()
    assert not services.tokens.views
    page.button(key="user_end_all").click().run()
    assert any("All 2 of their sessions end now" in text.value for text in page.markdown)
    page.button(key="user_end_all").click()
    page.button(key="user_end_all_sure").click().run()
    assert not services.sessions.of_user(ANA, BO.id)
    assert services.sessions.of_user(ANA, ANA.id)


def test_a_limit_is_set_and_lifted(run: Run, services: FakeServices, say: Say) -> None:
    page = run(ANA, USERS, user=str(BO.id))
    page.button(key="user_limit").click().run()
    page.button(key="user_limit").click()
    page.selectbox(key="user_limit_name").set_value(LimitName.UPLOADS)
    page.number_input(key="user_limit_value").set_value(2)
    page.text_input(key="user_reason").set_value("launch week")
    form_button(page, "Set the limit").click().run()
    (override,) = services.limits.by_user[BO.id]
    assert (override.name, override.value, override.reason) == (LimitName.UPLOADS, 2, "launch week")
    end = datetime.now(UTC).date() + timedelta(days=8)
    assert override.until == datetime.combine(end, time.min, tzinfo=UTC)
    (row,) = keyed(page, "user_limit_list")["rows"]
    assert (row["title"], row["action"]) == ("2 uploads a day", "Lift")
    assert "launch week" in row["facts"]
    say("user_limit_list", "acted", row["id"])
    page.run()
    say("user_limit_list", "acted", row["id"])
    page.text_input(key="user_reason").set_value("over")
    form_button(page, "Lift the limit").click().run()
    assert not services.limits.by_user[BO.id]


def test_what_people_are_called_is_only_text(run: Run, services: FakeServices) -> None:
    services.accounts.users["bo"] = replace(BO, name="*bo* :red[x]")
    page = run(ANA, USERS, user=str(BO.id))
    assert page.title[0].value == r"\*bo\* \:red\[x\]"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_nobody_else_gets_the_page(run: Run, services: FakeServices, role: Role) -> None:
    user = User(id=9, name="eve", role=role, must_change_password=False)
    with pytest.raises(ValueError, match="page"):
        run(user, USERS)
    assert "user_list" not in components(run(user))
    assert NEW.name not in str(components(run(user)))
