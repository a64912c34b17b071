"""The library without a database: over the videos that the other fakes hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.bulk import Order, Outcome, Plan, Verb
from services.library import Line, Matches, Page, Query, Sort
from services.model import Role, StageName, User, VideoState
from services.outputs import TranscriptOutput
from services.search import marks, parse
from services.videos import VideoDetail


@dataclass
class FakeLibrary:
    """details gives the videos; asked keeps the queries."""

    details: Callable[[], Mapping[UUID, VideoDetail]]
    asked: list[Query] = field(default_factory=list)

    def search(self, user: User, query: Query) -> Page:
        self.asked.append(query)
        terms = parse(query.text)
        rows, matches = [], {}
        for detail in self.details().values():
            video = detail.video
            if user.role is Role.CREATOR and video.user_id != user.id:
                continue
            output = detail.outputs.get(StageName.TRANSCRIBE)
            segments = output.segments if isinstance(output, TranscriptOutput) else ()
            lines = [
                Line(start=segment.start, text=segment.text, marks=found)
                for segment in segments
                if (found := marks(segment.text, terms, {}))
            ]
            if terms.positive and not lines and not marks(video.title, terms, {}):
                continue
            rows.append(video)
            if lines:
                matches[video.id] = Matches(lines=tuple(lines[:3]), more=len(lines[3:]))
        counts = {state: sum(row.state is state for row in rows) for state in VideoState}
        rows = [row for row in rows if not query.states or row.state in query.states]
        rows.sort(key=lambda row: row.title if query.sort is Sort.TITLE else str(row.created_at))
        if query.sort is not Sort.TITLE:
            rows.reverse()
        return Page(
            rows=tuple(rows[: query.limit]),
            matches=matches,
            title_marks={row.id: marks(row.title, terms, {}) for row in rows},
            counts=counts,
            next=None,
            previous=None,
        )


@dataclass
class FakeBulk:
    done: list[Order] = field(default_factory=list)

    def plan(self, user: User, order: Order) -> Plan:
        reached = order.video_ids[:1] if order.verb is Verb.RETRY else order.video_ids
        left = len(order.video_ids) - len(reached)
        return Plan(video_ids=reached, skipped={"Nothing failed: there is nothing to try again.": left} if left else {})

    def run(self, user: User, order: Order) -> Outcome:
        self.done.append(order)
        return Outcome(answers=dict.fromkeys(order.video_ids))
