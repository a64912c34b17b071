"""Looks again and again, while everything breaks, at what must hold at every moment."""

from __future__ import annotations

import threading
import time

from sqlalchemy import Connection, text

from services.errors import Unavailable
from tests.chaos.fleet import Fleet
from tests.invariants import rows, violations

LOOK_EVERY = 1.0  # seconds
SHOWN = 5  # rows of each rule

OVERDUE = """
    select s.id, s.name, s.token, l.worker, l.expires_at from stages s left join leases l on l.id = s.lease_id
    where s.state = 'running' and coalesce(l.expires_at, '-infinity') < clock_timestamp() - make_interval(secs => :late)
"""
OVERDUE_RULE = "no stage runs under a lease that ended long ago"


class Watch:
    """found holds each rule that did not hold at some moment, with the rows that broke it then. A thread."""

    def __init__(self, fleet: Fleet, *, late: float) -> None:
        self._fleet = fleet
        self._late = late
        self._stop = threading.Event()
        self.looks = 0
        self.found: dict[str, list[str]] = {}
        self._thread = threading.Thread(target=self._look_for_ever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _look_for_ever(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            try:
                with self._fleet.database.statement() as connection:
                    self._look(connection)
                self.looks += 1
            except Unavailable:
                continue

    def _look(self, connection: Connection) -> None:
        for rule in violations(connection):
            if rule not in self.found:
                seen = rows(connection, rule, limit=SHOWN) or ["gone when it was looked at again"]
                self.found[rule] = [f"{time.strftime('%H:%M:%S')} {row}" for row in seen]
        overdue = connection.execute(text(OVERDUE), {"late": self._late}).all()
        if overdue and OVERDUE_RULE not in self.found:
            self.found[OVERDUE_RULE] = [str(row._asdict()) for row in overdue[:SHOWN]]
