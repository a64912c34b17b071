"""Passwords: every character counts, and the hashes are those of the form library's Hasher."""

from __future__ import annotations

import subprocess
import sys

from services.passwords import check_password, hash_password


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
