"""What ended while somebody looked elsewhere: messages to users, found again by the bell and on Home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.database import Database
from services.errors import BadInput
from services.model import User
from services.permissions import ANYONES, Action, use_case
from services.records import notifications
from services.records.notifications import COUNTED, NotificationRow

SHOWN = 20
MOST_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """The newest first; unread counts all, up to COUNTED."""

    unread: int
    rows: tuple[NotificationRow, ...]


class Notifications:
    def __init__(self, database: Database) -> None:
        self._database = database

    @use_case(Action.SEE)
    def inbox(self, user: User, *, limit: int = SHOWN) -> Inbox:
        """The newest messages to the user. Raises Unavailable."""
        sees_all = user.role in ANYONES[Action.SEE]
        with self._database.transaction() as connection:
            rows = notifications.newest(connection, user.id, sees_all=sees_all, limit=limit)
            unread = notifications.count_unread(connection, user.id, sees_all=sees_all)
        return Inbox(unread=unread, rows=rows)

    @use_case(Action.SEE)
    def mark_read(self, user: User, ids: Sequence[int] | None) -> int:
        """Tick off these of the user's messages, or all when ids is None; how many are left unread.

        Raises BadInput, Unavailable.
        """
        if ids is not None and len(ids) > MOST_AT_ONCE:
            raise BadInput(f"At most {MOST_AT_ONCE:,} messages can be marked at once: mark all of them.")
        with self._database.transaction() as connection:
            notifications.mark_read(connection, user.id, ids)
            return notifications.count_unread(connection, user.id, sees_all=user.role in ANYONES[Action.SEE])


__all__ = ["COUNTED", "Inbox", "NotificationRow", "Notifications"]
