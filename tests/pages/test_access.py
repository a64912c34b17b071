"""Who sees which page."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import navigation, session
from services.model import Role, User, VideoState
from tests.pages.conftest import Run, components, keyed
from tests.web.fakes import ANA, BO, NEW, PASSWORD, FakeServices, a_video, store


def test_nobody_gets_the_sign_in_page_only(run: Run) -> None:
    page = run(None)
    assert [title.value for title in page.title] == ["Sign in"]
    assert not set(components(page)) & {"video_list", "sign_out", "drop_zone"}


@pytest.mark.parametrize("file", sorted({page.file for page in navigation.PAGES}))
def test_nobody_cannot_ask_for_another_page(run: Run, file: str) -> None:
    with pytest.raises(ValueError, match="page"):
        run(None, file)


def test_signing_in_gives_a_ticket(run: Run, services: FakeServices) -> None:
    page = run(None)
    page.text_input(key="sign_in_name").set_value("ana")
    page.text_input(key="sign_in_password").set_value("wrong")
    page.button[0].click().run()
    assert "not right" in page.warning[0].value.replace("\\", "")
    assert not services.sessions.tickets
    page.text_input(key="sign_in_password").set_value(PASSWORD)
    page.button[0].click().run()
    assert services.sessions.tickets[components(page)["exchange_ticket"]["ticket"]] == ANA


def test_a_one_time_password_must_be_replaced(run: Run, services: FakeServices) -> None:
    page = run(NEW)
    assert [title.value for title in page.title] == ["Choose a password"]

    def choose(given: str, chosen: str, again: str) -> None:
        page.text_input(key="password_given").set_value(given)
        page.text_input(key="password_chosen").set_value(chosen)
        page.text_input(key="password_again").set_value(again)
        page.button[0].click().run()

    choose(PASSWORD, "a new long password", "another long password")
    assert "differ" in page.warning[0].value
    choose("wrong", "a new long password", "a new long password")
    assert "not right" in page.warning[0].value
    choose(PASSWORD, "short", "short")
    assert "12 characters" in page.warning[0].value
    assert not services.accounts.changed
    choose(PASSWORD, "a new long password", "a new long password")
    assert services.accounts.changed == [("cy", "a new long password")]
    assert "exchange_ticket" in components(page)


def test_a_session_that_ends_ends_the_page_on_its_next_run(
    run: Run, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = run(ANA)
    assert page.title[0].value == "Home"
    services.sessions.live.clear()
    page.run()
    assert [title.value for title in page.title] == ["Sign in"]
    monkeypatch.setattr(session, "token", lambda: services.sessions.open(ANA))
    page.run()
    assert page.title[0].value == "Home"


def test_nothing_of_one_person_is_left_for_the_next(
    run: Run, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = run(ANA)
    page.session_state["private"] = "of ana"
    token = services.sessions.open(BO)
    monkeypatch.setattr(session, "token", lambda: token)
    page.run()
    assert "private" not in page.session_state


def test_a_creator_sees_only_their_own_videos(run: Run, services: FakeServices, tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(b"x")
    own = store(services, a_video("Mine", owner=BO, state=VideoState.FAILED), lambda role: content)
    other = store(services, a_video("Not mine"), lambda role: content)
    shown = components(run(BO))["home"]
    assert [card["id"] for card in shown["finished"]] == [str(own.video.id)]
    page = run(BO, "../pages/videos.py")
    shown = components(page)["video_list"]
    assert [row["id"] for row in shown["rows"]] == [str(own.video.id)]
    assert shown["show_owner"] is False
    assert [row["state"].lower() for row in shown["rows"]] == ["failed"]
    assert len(components(run(ANA, "../pages/videos.py"))["video_list"]["rows"]) == 2
    page = run(BO, "../pages/video.py", id=str(other.video.id))
    assert "no such video" in page.warning[0].value.replace("\\", "")
    assert "heading" not in components(page)


ALL = {"home", "videos", "upload", "account", "users"}
# By hand: what each role finds in the navigation.
PAGES_OF = {
    Role.CREATOR: ALL - {"users"},
    Role.ANALYST: ALL - {"users", "upload"},
    Role.OPERATOR: ALL - {"users"},
    Role.ADMIN: ALL,
}


def someone(role: Role) -> User:
    return User(id=9, name="eve", role=role, must_change_password=False)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_finds_its_pages(run: Run, role: Role) -> None:
    page = run(someone(role))
    assert {one["address"] for one in components(page)["shortcuts"]["pages"]} == PAGES_OF[role]
    keys = [one["key"] for one in components(page)["shortcuts"]["pages"]]
    assert len(set(keys)) == len(keys)


def link(services: FakeServices) -> str:
    return services.users.reset_link(ANA, BO.id).token


def test_a_link_lets_somebody_choose_a_password(run: Run, services: FakeServices) -> None:
    token = link(services)
    page = run(None, reset=token)
    assert page.title[0].value == "Choose a password"
    assert any("**bo**" in text.value for text in page.markdown)

    def choose(chosen: str, again: str) -> None:
        page.text_input(key="password_chosen").set_value(chosen)
        page.text_input(key="password_again").set_value(again)
        page.button[0].click().run()

    choose("a new long password", "another long password")
    assert "differ" in page.warning[0].value
    choose("short", "short")
    assert "12 characters" in page.warning[0].value
    assert page.text_input(key="password_chosen").value == "short"  # what was typed stays
    assert services.accounts.links == {token: "bo"}  # neither opening nor a refusal uses it up
    choose("a new long password", "a new long password")
    assert services.accounts.changed == [("bo", "a new long password")]
    shown = keyed(page, "exchange_ticket")
    assert services.sessions.tickets[shown["ticket"]].name == "bo"
    assert shown["leads_to"] == "/"  # which takes the token out of the address


def test_a_link_that_is_not_good_says_what_to_do(run: Run, services: FakeServices) -> None:
    old = link(services)
    link(services)
    page = run(None, reset=old)
    assert "Ask an admin for a new one" in page.warning[0].value.replace("\\", "")
    assert not page.text_input
    page.button(key="reset_leave").click().run()
    assert page.title[0].value == "Sign in"
    assert "reset" not in page.query_params


def test_a_link_opened_by_who_is_signed_in_says_who_that_is(run: Run, services: FakeServices) -> None:
    token = link(services)
    for user in (ANA, NEW):
        page = run(user, reset=token)
        assert f"signed in as {user.name}" in page.info[0].value
        assert not page.text_input
        assert keyed(page, "sign_out")["stays"]
    page = run(ANA, reset=token)
    page.button(key="reset_stay").click().run()
    assert page.title[0].value == "Home"
    assert services.accounts.links == {token: "bo"}
