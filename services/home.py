"""What somebody sees first: what runs, what needs them, and what has just finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from services.database import Database
from services.model import User
from services.permissions import ANYONES, Action, use_case
from services.records import home, jobs
from services.records.home import COUNTED, FAILURES_COUNTED, Card, HomeRows
from services.records.jobs import JobRow
from services.records.uploads import Unfinished
from services.storage import LocalStorage
from services.videos import JobView, job_view

RUNNING_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class HomeView:
    """everybody: it is about all people's videos, not the user's alone. progress is by job, of the first that run."""

    rows: HomeRows
    everybody: bool
    progress: Mapping[UUID, JobView]


class Home:
    def __init__(self, database: Database, storage: LocalStorage) -> None:
        self._database = database
        self._storage = storage

    @use_case(Action.SEE)
    def of(self, user: User) -> HomeView:
        """In one statement, and one more while something runs. Raises Unavailable."""
        everybody = user.role in ANYONES[Action.SEE]
        with self._database.transaction() as connection:
            rows = home.find(connection, user.id, everybody=everybody)
            shown = [card.job_id for card in rows.under_way[:RUNNING_SHOWN]]
            progress = {}
            if shown:
                stages = jobs.stages(connection, shown)
                progress = {
                    card.job_id: job_view(_job(card), tuple(stage for stage in stages if stage.job_id == card.job_id))
                    for card in rows.under_way[:RUNNING_SHOWN]
                }
        uploads = tuple(upload for upload in rows.uploads if self._storage.has_incoming(upload.id))
        return HomeView(rows=replace(rows, uploads=uploads), everybody=everybody, progress=progress)


def _job(card: Card) -> JobRow:
    """The job of a card that is under way."""
    return JobRow(
        id=card.job_id,
        video_id=card.video_id,
        user_id=card.user_id,
        kind=card.kind,
        state=card.state,
        created_at=card.at,
        starts_at=card.at,
        finished_at=None,
    )


__all__ = ["COUNTED", "FAILURES_COUNTED", "RUNNING_SHOWN", "Card", "Home", "HomeRows", "HomeView", "Unfinished"]
