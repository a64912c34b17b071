"""Signatures for what passes through Redis and the browser; one master secret, one derived key per purpose."""

from __future__ import annotations

import hashlib
import hmac


def derived_key(secret: str, purpose: str) -> bytes:
    """32 bytes that are of use for this purpose only."""
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)


def sign(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def is_signed(key: bytes, message: bytes, signature: str) -> bool:
    return hmac.compare_digest(sign(key, message).encode(), signature.encode())
