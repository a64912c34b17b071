"""Passwords: which may be chosen, and their hashes, which are those of streamlit-authenticator (docs/adr/0004)."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import bcrypt

from services.errors import BadInput, Unavailable

# Checked when the user is unknown, so that both answers take the same time: the hash of random bytes, same cost.
NOBODY = bcrypt.hashpw(secrets.token_bytes(32), bcrypt.gensalt()).decode()
MINIMUM_LENGTH = 10  # characters, without spaces before and after
MAXIMUM_LENGTH = 1000  # characters
NAME_WORTH_FINDING = 4  # characters: a shorter name is part of many words
AT_ONCE = min(4, os.cpu_count() or 1)  # passwords worked on
WAITING = 8  # more of them; each holds a thread, of which the rest of the server needs some
COME_BACK = 3.0  # seconds

_places = threading.BoundedSemaphore(AT_ONCE + WAITING)
_turns = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def turn() -> Iterator[None]:
    """Wait for one's turn to work on a password, so that nobody keeps the server busy with theirs.

    Raises Unavailable at once when too many wait.
    """
    if not _places.acquire(blocking=False):
        raise Unavailable(
            "Many people are signing in at this moment. Try again in a few seconds.", retry_after=COME_BACK
        )
    try:
        with _turns:
            yield
    finally:
        _places.release()


def hash_password(password: str) -> str:
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt()).decode()


def check_password(password: str, hashed: str) -> bool:
    return bcrypt.checkpw(_digest(password), hashed.encode())


def one_time_password() -> str:
    return secrets.token_urlsafe(12)


def unusable_hash() -> str:
    """The hash of what nobody knows: a user who has no password takes as long to refuse as one who has."""
    return hash_password(secrets.token_urlsafe(32))


def require_good(password: str, *, name: str) -> None:
    """Raises BadInput, with what is wrong, for a password that this user may not choose."""
    bare = password.strip().lower()
    if len(bare) < MINIMUM_LENGTH:
        raise BadInput(f"Choose a password of at least {MINIMUM_LENGTH} characters; a short sentence is good.")
    if len(password) > MAXIMUM_LENGTH:
        raise BadInput(f"Choose a password of at most {MAXIMUM_LENGTH:,} characters.")
    if bare == name or (len(name) >= NAME_WORTH_FINDING and name in bare):
        raise BadInput("Choose a password that does not contain your name.")
    if bare in _common() or len(set(bare)) == 1:
        raise BadInput("This is one of the first passwords that anybody would try. Choose another one.")


@functools.cache
def _common() -> frozenset[str]:
    """Passwords that are tried first, in lower case."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

    return frozenset(word.lower() for word in FREQUENCY_LISTS["passwords"] if len(word) >= MINIMUM_LENGTH)


def _digest(password: str) -> bytes:
    """bcrypt reads 72 bytes at most; a digest lets every character of a long password count."""
    return base64.b64encode(hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest())
