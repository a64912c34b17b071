"""No limits, for tests of services that spend requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from services.model import User


class Unlimited:
    @contextmanager
    def request(self, user: User) -> Iterator[None]:
        yield None

    def require_upload(self, connection: Connection, user: User) -> None:
        """One more always fits."""
