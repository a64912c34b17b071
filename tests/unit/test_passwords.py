"""Passwords: every character counts, and the hashes are those of the form library's Hasher."""

from __future__ import annotations

import subprocess
import sys

import pytest

from services.errors import BadInput
from services.passwords import check_password, hash_password, require_good, unusable_hash


def test_every_character_of_a_long_password_counts() -> None:
    hashed = hash_password("a" * 200)
    assert check_password("a" * 200, hashed)
    assert not check_password("a" * 199, hashed)


def test_the_form_library_reads_our_hashes_and_we_read_its() -> None:
    # In a process of its own: the library loads Streamlit, which complains where no server runs.
    script = (
        "from streamlit_authenticator.utilities.hasher import Hasher\n"
        "from services.passwords import _digest, check_password, hash_password\n"
        "assert Hasher.check_pw(_digest('long enough').decode(), hash_password('long enough'))\n"
        "assert not Hasher.check_pw(_digest('another').decode(), hash_password('long enough'))\n"
        "assert check_password('long enough', Hasher.hash(_digest('long enough').decode()))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_workers_do_not_load_the_screen() -> None:
    script = (
        "import sys, services.passwords, jobs.workers.media, jobs.workers.ai; assert 'streamlit' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("too short", "at least 10"),
        ("  too short   ", "at least 10"),
        ("x" * 1001, "at most 1,000"),
        ("Password123", "first passwords"),
        (" qwertyuiop ", "first passwords"),
        ("aaaaaaaaaaaaaaaa", "first passwords"),
        ("I am Marietta, hello", "your name"),
    ],
)
def test_what_may_not_be_chosen(password: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        require_good(password, name="marietta")


@pytest.mark.parametrize(
    "password", ["a quiet morning walk", "x y" * 333, "éà 漢字 😀 any letters", "\x00" + "a b c d e f"]
)
def test_what_may_be_chosen(password: str) -> None:
    require_good(password, name="marietta")
    require_good(password, name="a")  # a part of many words


def test_whoever_has_no_password_signs_in_with_none() -> None:
    hashed = unusable_hash()
    assert not any(check_password(password, hashed) for password in ("", "none", hashed))


def test_no_password_is_too_odd_to_be_checked() -> None:
    assert not check_password("\ud800", hash_password("a quiet morning walk"))
