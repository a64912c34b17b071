"""Signing in and out, links to choose a password, tokens, and what each role finds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from services.model import Role, User
from tests.e2e.conftest import PASSWORD, RunningStack, settled

pytestmark = pytest.mark.browser

AT_ONCE = 2.0  # seconds in which what was ended elsewhere has ended here
FAILURES_ALLOWED = 5
NEW_PASSWORD = "rain on the harbour wall"
# By hand: what each role finds in the navigation.
PAGES = {
    Role.CREATOR: ["Home", "Videos", "Upload", "My account"],
    Role.ANALYST: ["Home", "Videos", "My account"],
    Role.OPERATOR: ["Home", "Videos", "Upload", "My account"],
    Role.ADMIN: ["Home", "Videos", "Upload", "My account", "Users"],
}
ADDRESSES = {"Upload": "/upload", "My account": "/account", "Videos": "/videos", "Users": "/users"}


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def browser_of(chromium_browser: Browser, stack: RunningStack) -> Iterator[Callable[..., Page]]:
    """browser_of(user): a page in a browser of its own, signed in as this user, or as nobody."""
    opened: list[BrowserContext] = []

    def open_page(user: User | None = None) -> Page:
        context = chromium_browser.new_context(viewport={"width": 1280, "height": 900})
        opened.append(context)
        if user is not None:
            stack.sign_in(context, user)
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    yield open_page
    for context in opened:
        context.close()


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.locator("input[type=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, level=1)).to_be_visible()


def test_sign_in_and_lock_out(stack: RunningStack, browser_of: Callable[..., Page]) -> None:
    user, other = stack.person(), stack.person()
    page = browser_of()
    page.goto(f"{stack.address}/account")
    for _ in range(FAILURES_ALLOWED):
        sign_in(page, user.name, "not the password")
        expect(page.get_by_role("alert")).to_contain_text("not right")
        settled(page)
    sign_in(page, user.name, PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Too many .* \d+ min"))
    expect(page.get_by_label("Name")).to_have_value(user.name)
    # From elsewhere the owner comes in all the same, and others come in from here.
    assert stack.services.accounts.sign_in(user.name, PASSWORD, address="198.51.100.7") == user
    sign_in(page, other.name, PASSWORD)
    heading(page, "My account")
    assert page.url == f"{stack.address}/account"


@pytest.mark.parametrize("role", list(Role))
def test_each_role_finds_its_pages_and_no_other(
    stack: RunningStack, browser_of: Callable[..., Page], role: Role
) -> None:
    page = browser_of(stack.person(role))
    page.goto(stack.address)
    heading(page, "Home")
    links = page.get_by_test_id("stSidebarNavLink")
    assert [text.split("\n")[-1].strip() for text in links.all_inner_texts()] == PAGES[role]
    for title, address in ADDRESSES.items():
        page.goto(stack.address + address)
        heading(page, title if title in PAGES[role] else "Not for your role")
    if role is not Role.ADMIN:
        page.get_by_role("button", name="Go to Home").click()
        heading(page, "Home")


def test_a_second_browser_is_signed_out_at_once(stack: RunningStack, browser_of: Callable[..., Page]) -> None:
    user = stack.person()
    here, there = browser_of(user), browser_of(user)
    there.goto(f"{stack.address}/videos")
    heading(there, "Videos")
    settled(there)
    here.goto(f"{stack.address}/account")
    expect(here.get_by_role("button", name="Sign out: ")).to_have_count(2)
    here.get_by_role("button", name="Sign out everywhere else").click()
    began = time.monotonic()
    there.get_by_role("heading", name="Sign in", level=1).wait_for()
    took = time.monotonic() - began
    assert took < AT_ONCE, f"it took {took:.2f} s"
    expect(here.get_by_role("button", name="Sign out: ")).to_have_count(1)
    expect(here.get_by_role("button", name="Sign out everywhere else")).to_have_count(0)
    # What is asked for there leads back to after signing in, and "everywhere" ends this browser too.
    sign_in(there, user.name, PASSWORD)
    heading(there, "Videos")
    here.get_by_role("button", name="Sign out everywhere").click()
    here.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    for page in (here, there):
        heading(page, "Sign in")


def test_a_link_lets_somebody_choose_a_password_once(stack: RunningStack, browser_of: Callable[..., Page]) -> None:
    name = stack.person().name.replace("person", "new")
    admin = browser_of(stack.person(Role.ADMIN))
    admin.goto(f"{stack.address}/users")
    admin.get_by_role("button", name="New user").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_text("Analyst", exact=True).click()
    dialog.get_by_role("button", name="Make the user").click()
    box = admin.get_by_role("textbox", name=f"The link for {name}")
    link = box.input_value()
    token = link.partition("?reset=")[2]
    assert link == f"{stack.address}/?reset={token}"
    assert len(token) > 20
    expect(dialog).to_have_count(0)
    admin.get_by_role("button", name="Done").click()
    expect(box).to_have_count(0)

    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page = browser_of()
    page.on("request", note)
    for _ in range(2):  # opening it does not use it up
        page.goto(link)
        heading(page, "Choose a password")
        expect(page.get_by_text(name, exact=True)).to_be_visible()
    for label in ("New password", "New password, again"):
        page.get_by_label(label, exact=True).fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    heading(page, "Home")
    assert page.url.rstrip("/") == stack.address
    page.go_back()
    assert token not in page.url
    page.goto(link)  # with a session it says whose, and the way out leads to what became of the link
    expect(page.get_by_text(f"You are signed in as {name}")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_contain_text("Ask an admin for a new")
    page.get_by_role("button", name="Go to sign in").click()
    heading(page, "Sign in")
    assert token not in page.url
    sign_in(page, name, NEW_PASSWORD)
    heading(page, "Home")

    assert [request.url for request in asked if token in request.url and not request.is_navigation_request()] == []
    assert not any(token in request.headers.get("referer", "") for request in asked)
    assert token not in (stack.home / "up.log").read_text(errors="replace")


def test_a_token_is_made_used_and_revoked(stack: RunningStack, browser_of: Callable[..., Page]) -> None:
    user = stack.person()
    page = browser_of(user)
    page.goto(f"{stack.address}/account")
    page.get_by_role("button", name="New token").click()
    page.get_by_role("dialog").get_by_label("Name").fill("nightly export")
    page.get_by_role("dialog").get_by_text("7 days").click()
    page.get_by_role("dialog").get_by_role("button", name="Make the token").click()
    box = page.get_by_role("textbox", name="The token “nightly export”")
    token = box.input_value()
    assert token.startswith("backlot_")
    settled(page)
    expect(box).to_be_visible()  # also after the runs that follow

    def me() -> httpx.Response:
        return httpx.get(f"{stack.address}/api/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=10)

    answer = me()
    assert answer.status_code == 200, answer.text
    assert user.name in answer.text
    page.reload()
    expect(page.get_by_text(f"ends in …{token[-4:]}")).to_be_visible()
    expect(box).to_have_count(0)
    page.get_by_role("button", name="Revoke: nightly export").click()
    page.get_by_role("button", name="Keep: nightly export").click()
    assert me().status_code == 200
    page.get_by_role("button", name="Revoke: nightly export").click()
    page.get_by_role("button", name="Revoke: nightly export").click()
    expect(page.get_by_text("You have no API tokens.")).to_be_visible()
    deadline = time.monotonic() + AT_ONCE
    while (status := me().status_code) != 401:
        assert time.monotonic() < deadline, f"the token is still good: {status}"
        time.sleep(0.1)


def test_a_password_is_changed_and_the_others_end(stack: RunningStack, browser_of: Callable[..., Page]) -> None:
    user = stack.person()
    here, there = browser_of(user), browser_of(user)
    there.goto(stack.address)
    heading(there, "Home")
    here.goto(f"{stack.address}/account")
    here.get_by_label("Present password").fill(PASSWORD)
    for label in ("New password", "New password, again"):
        here.get_by_label(label, exact=True).fill(NEW_PASSWORD)
    here.get_by_role("button", name="Change password").click()
    expect(here.get_by_text("Your password is changed.")).to_be_visible()
    heading(here, "My account")
    heading(there, "Sign in")
    sign_in(there, user.name, NEW_PASSWORD)
    heading(there, "Home")


def test_a_change_of_role_ends_what_was_open(stack: RunningStack, browser_of: Callable[..., Page]) -> None:
    user, chief = stack.person(), stack.person(Role.ADMIN)
    there = browser_of(user)
    there.goto(stack.address)
    heading(there, "Home")
    admin = browser_of(chief)
    admin.goto(f"{stack.address}/users")
    admin.get_by_label("Name").fill(user.name)
    admin.get_by_role("link", name=user.name).click()
    heading(admin, user.name)
    assert admin.url.endswith(f"?user={user.id}")
    admin.get_by_role("button", name="Change role").click()
    dialog = admin.get_by_role("dialog")
    expect(dialog).to_contain_text("Their session ends now")
    dialog.get_by_text("Operator", exact=True).click()
    dialog.get_by_role("button", name="Change role").click()
    expect(dialog.get_by_role("alert")).to_be_visible()  # without a reason
    dialog.get_by_role("textbox", name="Why").fill("joins the night shift")
    dialog.get_by_role("button", name="Change role").click()
    expect(admin.get_by_text("Operator", exact=True)).to_be_visible()
    heading(there, "Sign in")
    admin.goto(f"{stack.address}/users?user={chief.id}")
    heading(admin, chief.name)
    expect(admin.get_by_role("button", name="Change role")).to_have_count(0)
    expect(admin.get_by_role("button", name="Disable")).to_have_count(0)
