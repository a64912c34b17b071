"""Home, the bell and the sample without stores: what the videos of the other fakes say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.home import Card, HomeRows, HomeView, Unfinished
from services.model import UNFINISHED, JobKind, JobState, Role, StageState, User
from services.notifications import Inbox, NotificationRow
from services.videos import VideoDetail


@dataclass
class FakeNotifications:
    rows: dict[int, list[NotificationRow]] = field(default_factory=dict)  # by user, newest first

    def add(self, user: User, detail: VideoDetail, *, outcome: JobState = JobState.SUCCEEDED) -> NotificationRow:
        """One unread message about this video."""
        row = NotificationRow(
            id=1 + sum(map(len, self.rows.values())),
            video_id=detail.video.id,
            title=detail.video.title,
            kind=JobKind.PIPELINE,
            outcome=outcome,
            at=datetime.now(UTC),
            read=False,
            reason="The file has no sound." if outcome is JobState.FAILED else None,
            clips=3,
            posts=5,
        )
        self.rows.setdefault(user.id, []).insert(0, row)
        return row

    def inbox(self, user: User) -> Inbox:
        rows = self.rows.get(user.id, [])
        return Inbox(unread=sum(not row.read for row in rows), rows=tuple(rows))

    def mark_read(self, user: User, ids: list[int] | None) -> int:
        self.rows[user.id] = [
            replace(row, read=row.read or ids is None or row.id in ids) for row in self.rows.get(user.id, [])
        ]
        return self.inbox(user).unread


@dataclass
class FakeHome:
    """waiting are jobs set for later than now, until waits_until."""

    details: Callable[[], Mapping[UUID, VideoDetail]]
    notifications: FakeNotifications
    uploads: list[Unfinished] = field(default_factory=list)
    waiting: int = 0
    waits_until: datetime | None = None

    def of(self, user: User) -> HomeView:
        everybody = user.role is not Role.CREATOR
        seen = [detail for detail in self.details().values() if everybody or detail.video.user_id == user.id]
        cards = [card(detail) for detail in seen]
        under_way = tuple(one for one in cards if one.state in UNFINISHED)
        failed = tuple(one for one in cards if one.state is JobState.FAILED)
        unread = frozenset(row.video_id for row in self.notifications.inbox(user).rows if not row.read)
        return HomeView(
            rows=HomeRows(
                under_way=under_way,
                under_way_count=len(under_way),
                waiting=self.waiting,
                waits_until=self.waits_until,
                failed=failed,
                failed_count=len(failed),
                finished=tuple(one for one in cards if one.state is JobState.SUCCEEDED),
                uploads=tuple(self.uploads),
                unread=unread,
                empty=not seen,
            ),
            everybody=everybody,
            progress={detail.job.id: detail.job for detail in seen if detail.job.state in UNFINISHED},
        )


def card(detail: VideoDetail) -> Card:
    video, job = detail.video, detail.job
    picture = detail.file("thumbnail", 2)
    return Card(
        job_id=job.id,
        video_id=video.id,
        user_id=video.user_id,
        owner=video.owner,
        title=video.title,
        kind=job.kind,
        state=job.state,
        at=video.created_at,
        duration=video.duration,
        picture=None if picture is None else picture.id,
        reason=next((stage.reason for stage in job.stages if stage.state is StageState.FAILED), None),
        clips=3,
        posts=5,
    )


@dataclass
class FakeSamples:
    asked: list[int] = field(default_factory=list)
    video_id: UUID = field(default_factory=uuid4)

    def process(self, user: User) -> UUID:
        self.asked.append(user.id)
        return self.video_id
