"""My account: sessions, tokens, limits, password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console.components import row_list
from services.errors import Refused, Unavailable
from services.model import LimitName, Role, User
from services.sessions import OpenSession
from tests.pages.acting import speaking
from tests.pages.conftest import Run, components, keyed
from tests.web.fakes import ANA, BO, NOW, PASSWORD, FakeServices

ACCOUNT = "../pages/account.py"
Say = Callable[[str, str, str], None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    return speaking(monkeypatch, row_list, "_row_list")


def sessions_of(services: FakeServices, user: User) -> list[OpenSession]:
    return list(services.sessions.of_user(user, user.id))


def rows(page: AppTest, key: str) -> list[dict[str, Any]]:
    return list(keyed(page, key)["rows"])


@pytest.mark.parametrize("role", list(Role))
def test_everybody_has_an_account(run: Run, services: FakeServices, role: Role) -> None:
    user = User(id=9, name="eve", role=role, must_change_password=False)
    page = run(user, ACCOUNT)
    assert page.title[0].value == "My account"
    assert f"eve · {role.value.capitalize()}: " in "".join(caption.value for caption in page.caption)
    allowed = keyed(page, "account_meter")["limits"]["uploads_allowed"]
    assert allowed is (role is not Role.ANALYST)


def test_sessions_are_listed_and_this_one_is_marked(run: Run, services: FakeServices) -> None:
    services.sessions.open(BO, address="192.0.2.7", user_agent="x")
    services.sessions.open(ANA, address="192.0.2.9", user_agent="x")
    page = run(BO, ACCOUNT)
    shown = rows(page, "account_session_list")
    assert [row["chip"] and row["chip"]["label"] for row in shown] == [None, "This one"]
    assert shown[0]["title"] == "Chrome on Linux"
    assert [part.split()[0] for part in shown[0]["facts"]] == ["192.0.2.7", "signed", "last"]
    assert "192.0.2.9" not in str(components(page))


def test_one_session_is_ended(run: Run, services: FakeServices, say: Say) -> None:
    services.sessions.open(BO)
    other = sessions_of(services, BO)[0]
    page = run(BO, ACCOUNT)
    say("account_session_list", "acted", str(other.id))
    page.run()
    assert other.id not in {one.id for one in sessions_of(services, BO)}
    assert len(rows(page, "account_session_list")) == 1
    say("account_session_list", "acted", str(other.id))  # once more, from a page that had not heard of it
    page.run()
    assert not page.warning
    assert not page.exception


def test_ending_this_session_leads_to_sign_in(run: Run, services: FakeServices, say: Say) -> None:
    page = run(BO, ACCOUNT)
    say("account_session_list", "acted", str(sessions_of(services, BO)[0].id))
    page.run()
    assert [title.value for title in page.title] == ["Sign in"]


def test_all_others_are_ended(run: Run, services: FakeServices) -> None:
    page = run(BO, ACCOUNT)
    assert "Sign out everywhere else" not in {button.label for button in page.button}
    services.sessions.open(BO)
    services.sessions.open(BO)
    services.sessions.open(ANA)
    page.run()
    page.button(key="account_end_others").click().run()
    assert len(sessions_of(services, BO)) == 1
    assert len(sessions_of(services, ANA)) == 1
    assert page.title[0].value == "My account"


def test_everywhere_is_asked_about_first_and_leads_to_sign_in(run: Run, services: FakeServices) -> None:
    page = run(BO, ACCOUNT)
    page.button(key="account_end_all").click().run()
    assert len(sessions_of(services, BO)) == 1
    page.button(key="account_end_all").click()  # the harness runs the whole page, and so opens the dialog once more
    page.button(key="account_end_all_sure").click().run()
    assert not sessions_of(services, BO)
    assert [title.value for title in page.title] == ["Sign in"]


def test_a_token_is_made_and_shown_once(run: Run, services: FakeServices) -> None:
    page = run(BO, ACCOUNT)
    assert keyed(page, "account_token_list")["rows"] == []
    page.button(key="account_token_new").click().run()

    def ask(name: str) -> None:
        page.button(key="account_token_new").click()
        page.text_input(key="token_name").set_value(name)
        form_button(page, "Make the token").click().run()

    ask(" ")
    assert "name" in page.warning[0].value
    ask("nightly export")
    (token,) = services.tokens.views
    shown = keyed(page, "account_made")
    assert (shown["secret"], shown["is_link"]) == (token, False)
    assert "not shown again" in shown["note"]
    (row,) = rows(page, "account_token_list")
    assert row["title"] == "nightly export"
    assert row["facts"][0] == f"ends in …{token[-4:]}"
    assert "never used" in row["facts"]
    assert token not in str(row)
    assert services.tokens.views[token][1].expires_at == NOW + timedelta(days=30)
    page.session_state["account_made_secret"] = None  # as the browser has it done when it holds the token
    page.run()
    assert token not in str(components(page))


def test_a_token_is_revoked(run: Run, services: FakeServices, say: Say) -> None:
    made = services.tokens.create(BO, name="export", days=7)
    page = run(BO, ACCOUNT)
    assert rows(page, "account_token_list")[0]["confirm"]
    say("account_token_list", "acted", str(made.view.id))
    page.run()
    assert not services.tokens.views
    assert rows(page, "account_token_list") == []


def test_limits_say_when_they_free_and_what_is_ones_own(run: Run, services: FakeServices) -> None:
    services.limits.use_up(LimitName.UPLOADS)
    until = NOW + timedelta(days=9)
    view = services.limits.view
    services.limits.view = replace(
        view, jobs=replace(view.jobs, limit=20, overridden_until=until, reason="launch week")
    )
    limits = keyed(run(BO, ACCOUNT), "account_meter")["limits"]
    assert (limits["uploads"]["left"], limits["jobs"]["limit"]) == (0, 20)
    assert limits["uploads"]["free_at"] is not None
    assert limits["jobs"]["overridden_until"] == until.isoformat()
    assert limits["jobs"]["reason"] == "launch week"


def test_a_password_is_changed(run: Run, services: FakeServices) -> None:
    page = run(BO, ACCOUNT)

    def choose(given: str, chosen: str, again: str) -> None:
        page.text_input(key="password_given").set_value(given)
        page.text_input(key="password_chosen").set_value(chosen)
        page.text_input(key="password_again").set_value(again)
        form_button(page, "Change password").click().run()

    choose(PASSWORD, "a new long password", "another long password")
    assert "differ" in page.warning[0].value
    choose("wrong", "a new long password", "a new long password")
    assert "not right" in page.warning[0].value
    assert page.text_input(key="password_chosen").value == "a new long password"  # what was typed stays
    assert not services.accounts.changed
    choose(PASSWORD, "a new long password", "a new long password")
    assert services.accounts.changed == [("bo", "a new long password")]
    assert keyed(page, "exchange_ticket")["leads_to"] == "/account?changed=1"
    page = run(BO, ACCOUNT, changed="1")
    assert "changed" not in page.query_params


def test_a_part_that_has_no_answer_says_so_and_the_others_stand(
    run: Run, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("The database does not answer. Try again in a moment.")

    monkeypatch.setattr(services.tokens, "of_user", away)
    page = run(BO, ACCOUNT)
    assert len(page.error) == 1
    assert rows(page, "account_session_list")
    assert keyed(page, "account_meter")


def test_a_refusal_to_end_is_said(run: Run, services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Refused("Not now.")

    services.sessions.open(BO)
    page = run(BO, ACCOUNT)
    monkeypatch.setattr(services.sessions, "end_others", refuse)
    page.button(key="account_end_others").click().run()
    assert page.warning[0].value.replace("\\", "") == "Not now."


def form_button(page: AppTest, label: str) -> Any:
    return next(button for button in page.button if button.label == label)
