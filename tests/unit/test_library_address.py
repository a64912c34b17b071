"""The address of Videos: what it asks for, and that nothing in it can break the page."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.components.video_list import read_order
from console.library_address import NAMES, PAGE_ROWS, known, read
from services.bulk import Verb
from services.library import MOST_ROWS, Length, Query, Sort
from services.model import JobKind, VideoState

VIDEO = "6f1a9c8e-0c1b-4a58-9b0a-0e2f7f5f7a11"


def test_an_empty_address_asks_for_the_newest() -> None:
    asked = read({}, timezone=UTC)
    assert asked.query == Query(limit=PAGE_ROWS)
    assert not asked.narrowed
    assert asked.text == ""


def test_everything_that_can_be_asked_for() -> None:
    params = {
        "q": "quiet morning",
        "state": "failed,nothing,processing,failed",
        "owner": " Ana ",
        "tag": "sea",
        "length": "medium",
        "from": "2026-11-01",
        "to": "2026-11-02",
        "sort": "title",
        "view": "table",
        "show": "180",
    }
    asked = read(params, timezone=ZoneInfo("Asia/Kolkata"))
    assert asked.query == Query(
        text="quiet morning",
        states=(VideoState.FAILED, VideoState.PROCESSING),
        owner="ana",
        tags=("sea",),
        length=Length.MEDIUM,
        uploaded_from=datetime(2026, 10, 31, 18, 30, tzinfo=UTC),
        uploaded_to=datetime(2026, 11, 2, 18, 30, tzinfo=UTC),
        sort=Sort.TITLE,
        limit=180,
    )
    assert asked.narrowed
    assert known(asked.text) == params


@pytest.mark.parametrize("params", [{"sort": "title"}, {"view": "table"}, {"show": "500"}, {"state": "nothing"}])
def test_what_leaves_no_video_out_narrows_nothing(params: dict[str, str]) -> None:
    assert not read(params, timezone=UTC).narrowed


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=60)))
def test_whatever_stands_in_an_address_means_something(params: dict[str, str]) -> None:
    query = read(params, timezone=UTC).query
    assert PAGE_ROWS <= query.limit <= MOST_ROWS
    assert query.place is None


@given(st.text(max_size=200))
def test_an_address_from_a_browser_never_raises(text: str) -> None:
    assert set(known(text)) <= set(NAMES)
    assert read_order(text) is None


def test_an_order_is_read_only_whole() -> None:
    stamp, order = read_order(f'{{"stamp":"s","verb":"again","kind":"posts","ids":["{VIDEO}"]}}') or ("", None)
    assert order is not None
    assert (stamp, order.verb, order.kind, [str(one) for one in order.video_ids]) == (
        "s",
        Verb.AGAIN,
        JobKind.POSTS,
        [VIDEO],
    )
    for broken in ('{"verb":"delete"}', "[]", '{"stamp":"s","verb":"retry","kind":null,"ids":["x"]}', "null"):
        assert read_order(broken) is None
