"""The library: finding videos by their names, by what is said in them, and by how they stand."""

from __future__ import annotations

import base64
import enum
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from services.database import Database
from services.errors import BadInput, Unavailable
from services.limits import Limits
from services.model import User, VideoState
from services.permissions import ANYONES, Action, use_case
from services.records import library
from services.records.library import MOST_COUNTED, Edge, Filters, Sorting
from services.records.videos import VideoRow
from services.search import Terms, marks, parse

MOST_ROWS = 1000  # of a page
REMEMBERED_SEARCHES = 10_000
PHRASE_SECONDS = 5.0  # a phrase of words that everybody says is looked for in every line
CANCELLED = "57014"  # Postgres's word for a statement that took too long


class Sort(enum.StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"
    LONGEST = "longest"
    CHANGED = "changed"


class Length(enum.StrEnum):
    SHORT = "short"  # under five minutes
    MEDIUM = "medium"  # up to twenty
    LONG = "long"


SORTINGS: Mapping[Sort, Sorting] = MappingProxyType(
    {
        Sort.NEWEST: library.NEWEST,
        Sort.OLDEST: library.OLDEST,
        Sort.TITLE: library.BY_TITLE,
        Sort.LONGEST: library.LONGEST,
        Sort.CHANGED: library.LAST_CHANGED,
    }
)
SECONDS: Mapping[Length, tuple[float | None, float | None]] = MappingProxyType(
    {Length.SHORT: (None, 300.0), Length.MEDIUM: (300.0, 1200.0), Length.LONG: (1200.0, None)}
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a page begins: after a video in an order, or, backwards, where it ends before one."""

    key: str
    id: UUID
    backwards: bool = False

    def as_text(self) -> str:
        """For an address."""
        packed = json.dumps([self.key, str(self.id), self.backwards], separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, sort: Sort) -> Place | None:
        """The place that as_text wrote for this order; None of anything else."""
        try:
            key, video_id, backwards = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if sort in {Sort.NEWEST, Sort.OLDEST, Sort.CHANGED}:
                datetime.fromisoformat(key)
            elif sort is Sort.LONGEST:
                float(key)
            if not isinstance(key, str) or not key.isprintable() or not isinstance(backwards, bool):
                return None
            return cls(key=key, id=UUID(video_id), backwards=backwards)
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, kw_only=True)
class Query:
    """What to find. Empty fields ask for nothing; uploaded_from is included, uploaded_to is not."""

    text: str = ""
    states: tuple[VideoState, ...] = ()
    owner: str | None = None
    tags: tuple[str, ...] = ()
    length: Length | None = None
    uploaded_from: datetime | None = None
    uploaded_to: datetime | None = None
    sort: Sort = Sort.NEWEST
    place: Place | None = None
    limit: int = 60


@dataclass(frozen=True, kw_only=True)
class Line:
    """A spoken line: its second, and where in its text what was looked for stands, as starts and ends in characters."""

    start: float
    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Matches:
    """The first lines of a video that matched, and how many more did."""

    lines: tuple[Line, ...]
    more: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """title_marks and matches are by video, where a text was looked for and found.

    counts are of each state under all other filters, exact to MOST_COUNTED and one more beyond it. next and previous
    are where the neighbouring pages begin, None at the ends.
    """

    rows: tuple[VideoRow, ...]
    matches: Mapping[UUID, Matches]
    title_marks: Mapping[UUID, tuple[tuple[int, int], ...]]
    counts: Mapping[VideoState, int]
    next: Place | None
    previous: Place | None


class Library:
    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._lock = threading.Lock()
        self._searched: OrderedDict[tuple[int, str], None] = OrderedDict()

    @use_case(Action.SEE)
    def search(self, user: User, query: Query) -> Page:
        """A page of the videos that the user may see. Looking for a text spends a request, its further pages do not.

        Raises Unavailable, LimitReached, and BadInput for a phrase of words so common that looking for it would take
        too long.
        """
        text = " ".join(query.text.split())
        if not text:
            return self._page(user, query)
        searched = (user.id, text)
        with self._lock:
            is_new = searched not in self._searched
        with self._limits.request(user) if is_new else nullcontext():
            page = self._page(user, query)
        with self._lock:  # a page that draws itself again asks the same again
            self._searched[searched] = None
            self._searched.move_to_end(searched)
            while len(self._searched) > REMEMBERED_SEARCHES:
                self._searched.popitem(last=False)
        return page

    def _page(self, user: User, query: Query) -> Page:
        terms = parse(query.text)
        shortest, longest = SECONDS[query.length] if query.length else (None, None)
        own_only = user.role not in ANYONES[Action.SEE]
        filters = Filters(
            terms=terms,
            user_id=user.id if own_only else None,
            states=query.states,
            owner=query.owner,
            tags=query.tags,
            shortest=shortest,
            longest=longest,
            uploaded_from=query.uploaded_from,
            uploaded_to=query.uploaded_to,
        )
        limit = max(1, min(query.limit, MOST_ROWS))
        place = query.place
        edge = Edge(key=place.key, id=place.id) if place else None
        backwards = place is not None and place.backwards
        with _patient(terms), self._database.transaction() as connection:
            if terms.phrases:
                library.limit_time(connection, PHRASE_SECONDS)
            found = library.page(
                connection,
                filters,
                SORTINGS[query.sort],
                after=None if backwards else edge,
                before=edge if backwards else None,
                limit=limit + 1,
            )
            more = len(found.rows) > limit
            kept = slice(1, None) if more and backwards else slice(limit)
            rows, edges = found.rows[kept], found.edges[kept]
            lines = library.matching_lines(connection, terms, [row.id for row in rows]) if terms.positive else ()
        stems = telling(lines[0].stems) if lines else {}
        told = Terms(words=tuple(word for word in terms.words if not lines or word in stems), phrases=terms.phrases)
        matches: dict[UUID, Matches] = {}
        for line in lines:
            earlier = matches.get(line.video_id, Matches(lines=(), more=line.total))
            shown = Line(start=line.start, text=line.text, marks=marks(line.text, told, stems))
            matches[line.video_id] = Matches(lines=(*earlier.lines, shown), more=earlier.more - 1)
        return Page(
            rows=rows,
            matches=matches,
            title_marks={row.id: found_in for row in rows if (found_in := marks(row.title, told, stems))},
            counts={state: min(found.counts.get(state, 0), MOST_COUNTED + 1) for state in VideoState},
            next=Place(key=edges[-1].key, id=edges[-1].id) if edges and (more or backwards) else None,
            previous=(
                Place(key=edges[0].key, id=edges[0].id, backwards=True)
                if edges and (more if backwards else place is not None)
                else None
            ),
        )


@contextmanager
def _patient(terms: Terms) -> Iterator[None]:
    """Says what to do about a phrase that took too long."""
    try:
        yield
    except Unavailable as error:
        driver_error = getattr(error.__cause__, "orig", None)
        if terms.phrases and getattr(driver_error, "sqlstate", None) == CANCELLED:
            raise BadInput("Too many lines hold these words. Add a rarer one, or leave out the quotes.") from error
        raise


def telling(stems: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """The words that count, with their stems. One without is used everywhere: it counts where there is no other."""
    return {word: stem for word, stem in stems.items() if stem} or stems


__all__ = ["MOST_COUNTED", "MOST_ROWS", "Length", "Library", "Line", "Matches", "Page", "Place", "Query", "Sort"]
