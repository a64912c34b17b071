"""Password hashing with bcrypt: the hashes that streamlit-authenticator's Hasher makes and reads (docs/adr/0004)."""

from __future__ import annotations

import base64
import hashlib
import secrets

import bcrypt

# Checked when the user is unknown, so that both answers take the same time: the hash of random bytes, same cost.
NOBODY = bcrypt.hashpw(secrets.token_bytes(32), bcrypt.gensalt()).decode()
MINIMUM_LENGTH = 10


def hash_password(password: str) -> str:
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt()).decode()


def check_password(password: str, hashed: str) -> bool:
    return bcrypt.checkpw(_digest(password), hashed.encode())


def one_time_password() -> str:
    return secrets.token_urlsafe(12)


def _digest(password: str) -> bytes:
    """bcrypt reads 72 bytes at most; a digest lets every character of a long password count."""
    return base64.b64encode(hashlib.sha256(password.encode()).digest())
