"""Guessing passwords: bounded by name and address, exactly, and without locking anybody out elsewhere."""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import text

from services import accounts, passwords
from services.accounts import FAILURES_ALLOWED, FAILURES_OF_ADDRESS
from services.bootstrap import Services
from services.errors import LimitReached, Refused, Unavailable
from services.model import Role, User
from services.settings import Settings

GUESSES, THREADS = 1000, 16
GUESSER = """
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pydantic import SecretStr
from services import accounts
from services.bootstrap import build
from services.errors import LimitReached, Refused, Unavailable
from services.settings import Settings
database, valkey, home, name, guesses, threads = sys.argv[1:]
services = build(Settings(_env_file=None, home=home, DATABASE_URL=SecretStr(database), REDIS_URL=SecretStr(valkey),
    secret_key=SecretStr("a secret of the tests")))
hashed, real = [], accounts.check_password
accounts.check_password = lambda password, against: hashed.append(against) or real(password, against)
def guess(number):
    while True:
        try:
            services.accounts.sign_in(name, f"guess {number}", address="198.51.100.7")
        except LimitReached:
            return "locked"
        except Refused:
            return "refused"
        except Unavailable:
            time.sleep(0.02)  # too many at once: guess again
sys.stdin.readline()
with ThreadPoolExecutor(int(threads)) as pool:
    answers = Counter(pool.map(guess, range(int(guesses))))
print(answers["refused"], answers["locked"], len(hashed))
"""


@pytest.fixture
def somebody(services: Services) -> tuple[User, str]:
    name = f"person-{uuid4().hex[:8]}"
    password = services.accounts.create_user(name, Role.CREATOR)
    return services.accounts.find(name), password


@pytest.fixture
def bcrypt_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hashes that a password was checked against; the check takes no time."""
    calls: list[str] = []
    monkeypatch.setattr(accounts, "check_password", lambda password, hashed: bool(calls.append(hashed)))
    return calls


def an_address() -> str:
    return f"address-{uuid4().hex}"


def test_a_thousand_guesses_from_two_processes_reach_bcrypt_five_times(
    services: Services, settings: Settings, somebody: tuple[User, str]
) -> None:
    user, password = somebody
    assert settings.database_url is not None
    assert settings.redis_url is not None
    stores = settings.database_url.get_secret_value(), settings.redis_url.get_secret_value(), str(settings.home)
    guessers = [
        subprocess.Popen(
            [sys.executable, "-c", GUESSER, *stores, user.name, str(GUESSES // 2), str(THREADS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [guesser.communicate("go\n", timeout=120)[0].split() for guesser in guessers]
    refused, locked, hashed = (sum(int(numbers[place]) for numbers in told) for place in range(3))
    assert (refused, locked, hashed) == (FAILURES_ALLOWED, GUESSES - FAILURES_ALLOWED, FAILURES_ALLOWED)
    with pytest.raises(LimitReached):
        services.accounts.sign_in(user.name, password, address="198.51.100.7")
    assert services.accounts.sign_in(user.name, password, address="198.51.100.8") == user
    with services.database.statement() as connection:
        locks = connection.execute(
            text("select count(*) from events where action = 'sign-in locked' and user_id = :id"), {"id": user.id}
        ).scalar_one()
    assert locks == 1


def test_who_is_locked_out_costs_no_work(
    services: Services, somebody: tuple[User, str], bcrypt_calls: list[str]
) -> None:
    address = an_address()
    for name in (somebody[0].name, "nobody-of-that-name"):
        for _ in range(FAILURES_ALLOWED):
            with pytest.raises(Refused, match="not right"):
                services.accounts.sign_in(name, "wrong", address=address)
        before = len(bcrypt_calls)
        with pytest.raises(LimitReached) as refusal:
            services.accounts.sign_in(name, "wrong", address=address)
        assert 800 < refusal.value.retry_after <= 900
        assert len(bcrypt_calls) == before == (FAILURES_ALLOWED if name == somebody[0].name else 2 * FAILURES_ALLOWED)


def test_one_address_over_many_names(services: Services, somebody: tuple[User, str], bcrypt_calls: list[str]) -> None:
    address = an_address()

    def spray(number: int) -> str:
        try:
            services.accounts.sign_in(f"name-{number}", "wrong", address=address)
        except LimitReached:
            return "locked"
        except Refused:
            return "refused"
        return "in"

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(spray, range(2 * FAILURES_OF_ADDRESS)))
    assert answers == {"refused": FAILURES_OF_ADDRESS, "locked": FAILURES_OF_ADDRESS}
    assert len(bcrypt_calls) == FAILURES_OF_ADDRESS


def test_ones_own_sign_in_gives_back_ones_own_failures_only(services: Services, somebody: tuple[User, str]) -> None:
    user, password = somebody
    address = an_address()
    for name, times in ((user.name, FAILURES_ALLOWED - 1), ("a-victim", FAILURES_ALLOWED)):
        for _ in range(times):
            with pytest.raises(Refused):
                services.accounts.sign_in(name, "wrong", address=address)
    services.accounts.sign_in(user.name, password, address=address)
    with pytest.raises(Refused, match="not right"):
        services.accounts.sign_in(user.name, "wrong", address=address)
    with pytest.raises(LimitReached):
        services.accounts.sign_in("a-victim", "wrong", address=address)


def test_failures_are_forgotten_after_a_quarter_of_an_hour(services: Services, bcrypt_calls: list[str]) -> None:
    name, address = f"name-{uuid4().hex[:8]}", an_address()
    for _ in range(FAILURES_ALLOWED):
        with pytest.raises(Refused):
            services.accounts.sign_in(name, "wrong", address=address)
    for minutes, kind in ((14, LimitReached), (2, Refused)):
        with services.database.transaction() as connection:
            connection.execute(
                text("update sign_in_failures set at = at - make_interval(mins => :minutes) where name = :name"),
                {"minutes": minutes, "name": name},
            )
        with pytest.raises(Refused) as refusal:
            services.accounts.sign_in(name, "wrong", address=address)
        assert type(refusal.value) is kind


@pytest.mark.parametrize(
    "name", ["\ud800", "\x00", "a" * 10_000, "drop table users; --", ""], ids=lambda name: name[:5]
)
def test_what_is_no_name_is_refused_like_a_wrong_one(services: Services, name: str, bcrypt_calls: list[str]) -> None:
    with pytest.raises(Refused, match="not right"):
        services.accounts.sign_in(name, "\ud800", address=an_address())
    assert len(bcrypt_calls) == 1


def test_unknown_users_take_the_same_time(services: Services, somebody: tuple[User, str]) -> None:
    def seconds(name: str) -> float:
        started = time.thread_time()  # of this thread: what else the machine does is not counted
        with pytest.raises(Refused):
            services.accounts.sign_in(name, "wrong", address=an_address())
        return time.thread_time() - started

    known, unknown = [], []
    for _ in range(7):  # by turns, so that a slow moment is shared
        known.append(seconds(somebody[0].name))
        unknown.append(seconds(f"nobody-{uuid4().hex[:8]}"))
    assert 0.8 < statistics.median(known) / statistics.median(unknown) < 1.25


def test_whoever_finds_an_open_session_guesses_five_times(
    services: Services, somebody: tuple[User, str], bcrypt_calls: list[str]
) -> None:
    user, _ = somebody
    for number in range(FAILURES_ALLOWED):
        with pytest.raises(Refused, match="present password"):
            services.accounts.change_password(user, f"guess {number}", "a longer sentence")
    with pytest.raises(LimitReached):
        services.accounts.change_password(user, "guess", "a longer sentence")
    assert len(bcrypt_calls) == FAILURES_ALLOWED


def test_many_at_once_from_many_places_do_not_wait_for_each_other(services: Services, bcrypt_calls: list[str]) -> None:
    held = threading.Event()
    with services.database.transaction() as connection:
        connection.execute(text("select pg_advisory_xact_lock(hashtextextended('sign-in 203.0.113.1', 0))"))

        def elsewhere() -> None:
            with pytest.raises(Refused):
                services.accounts.sign_in("somebody", "wrong", address="203.0.113.2")
            held.set()

        threading.Thread(target=elsewhere, daemon=True).start()
        assert held.wait(5)


def test_who_signs_in_rightly_many_times_at_once_is_not_locked_out(
    services: Services, somebody: tuple[User, str]
) -> None:
    user, password = somebody
    with ThreadPoolExecutor(2 * FAILURES_ALLOWED) as pool:
        signed_in = list(
            pool.map(
                lambda _: services.accounts.sign_in(user.name, password, address="2001:db8::1"),
                range(min(2 * FAILURES_ALLOWED, passwords.AT_ONCE + passwords.WAITING)),
            )
        )
    assert set(signed_in) == {user}


def test_passwords_of_strangers_leave_the_server_its_threads(
    services: Services, somebody: tuple[User, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many guess from however many addresses, few work and few wait; the rest is told at once."""
    working, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def slow(password: str, hashed: str) -> bool:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        go.wait(10)
        with lock:
            working -= 1
        return False

    monkeypatch.setattr(accounts, "check_password", slow)

    def guess(number: int) -> str:
        try:
            services.accounts.sign_in(somebody[0].name, "wrong", address=an_address())
        except Unavailable as full:
            return f"come back in {full.retry_after:.0f} s"
        except Refused:
            return "refused"
        return "in"

    guesses = 40
    with ThreadPoolExecutor(guesses) as pool:
        waiting = [pool.submit(guess, number) for number in range(guesses)]
        told = guesses - passwords.AT_ONCE - passwords.WAITING
        deadline = time.monotonic() + 10
        while sum(each.done() for each in waiting) < told and time.monotonic() < deadline:
            time.sleep(0.02)
        assert sum(each.done() for each in waiting) == told
        go.set()
        answers = Counter(each.result() for each in waiting)
    assert answers == {f"come back in {passwords.COME_BACK:.0f} s": told, "refused": guesses - told}
    assert most <= passwords.AT_ONCE


@pytest.fixture
def replaced_meanwhile(services: Services, somebody: tuple[User, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The hash that whoever checks the person's password finds in its place afterwards."""
    user, _ = somebody
    real = accounts.check_password

    def checked(given: str, hashed: str) -> bool:
        matches = real(given, hashed)
        with services.database.transaction() as connection:
            connection.execute(text("update users set password_hash = 'another' where id = :id"), {"id": user.id})
        return matches

    monkeypatch.setattr(accounts, "check_password", checked)
    return "another"


@pytest.mark.usefixtures("replaced_meanwhile")
def test_a_password_that_is_replaced_while_it_is_checked_lets_nobody_in(
    services: Services, somebody: tuple[User, str]
) -> None:
    user, password = somebody
    with pytest.raises(Refused, match="not right"):
        services.accounts.sign_in(user.name, password, address=an_address())


def test_a_password_that_was_reset_while_the_old_one_is_checked_stays(
    services: Services, somebody: tuple[User, str], replaced_meanwhile: str
) -> None:
    """Whoever has the session and the password cannot undo the owner's reset."""
    user, password = somebody
    with pytest.raises(Refused, match="changed meanwhile"):
        services.accounts.change_password(user, password, "a longer sentence of a thief")
    with services.database.statement() as connection:
        kept = connection.execute(text("select password_hash from users where id = :id"), {"id": user.id})
        assert kept.scalar_one() == replaced_meanwhile
