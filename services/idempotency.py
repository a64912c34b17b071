"""Creations that may be repeated: an id is made of the user, their key and what they ask for; the row is the record."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.errors import IllegalMove
from services.model import User
from services.settings import Settings
from services.signing import derived_key

OF_WHAT_IS_ASKED = 4  # bytes at the end of an id


@dataclass(frozen=True, kw_only=True)
class Creation:
    """id is what the new thing is called. Whatever was made with the same key lies between first and last."""

    id: UUID
    first: UUID
    last: UUID

    def require_same(self, made: UUID) -> None:
        """Raises IllegalMove where the key was used for something else."""
        if made != self.id:
            raise IllegalMove("This Idempotency-Key was used for another request. Take a new key for a new request.")


def creation(settings: Settings, user: User, thing: str, key: str, asked: Mapping[str, object]) -> Creation:
    """What a key of this user stands for; asked is all that the request says, as JSON can hold it."""
    secret = settings.secret_key.get_secret_value() if settings.secret_key else ""
    named = json.dumps([user.id, thing, key]).encode()
    start = hmac.digest(derived_key(secret, "idempotency"), named, hashlib.sha256)[: 16 - OF_WHAT_IS_ASKED]
    end = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()[:OF_WHAT_IS_ASKED]
    return Creation(
        id=UUID(bytes=start + end, version=5),
        first=UUID(bytes=start + bytes(OF_WHAT_IS_ASKED), version=5),
        last=UUID(bytes=start + b"\xff" * OF_WHAT_IS_ASKED, version=5),
    )
