"""Signatures for what passes through Redis and the browser; one master secret, one derived key per purpose."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass


def derived_key(secret: str, purpose: str) -> bytes:
    """32 bytes that are of use for this purpose only."""
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)


def sign(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def digest_of(token: str) -> bytes:
    """What is kept of a random token that only its holder knows; of text that is none, too."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The key that signs, and all that are accepted: while a secret is being replaced, the one before it too."""

    signing: bytes
    accepted: tuple[bytes, ...]

    @classmethod
    def of(cls, secret: str, purpose: str, *, previous: str | None = None) -> Keys:
        """The keys of one purpose."""
        secrets = (secret,) if previous is None else (secret, previous)
        accepted = tuple(derived_key(one, purpose) for one in secrets)
        return cls(signing=accepted[0], accepted=accepted)

    def sign(self, message: bytes) -> str:
        return sign(self.signing, message)

    def is_signed(self, message: bytes, signature: str) -> bool:
        return any(hmac.compare_digest(sign(key, message).encode(), signature.encode()) for key in self.accepted)
