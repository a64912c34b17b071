"""The derived states, as tables."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from services.database import Database

ALL = ["probe", "transcribe", "analyze", "thumbnails", "clips", "posts"]


@pytest.mark.parametrize(
    ("states", "started", "expected"),
    [
        (["ready", "waiting"], False, "queued"),
        (["ready", "waiting"], True, "running"),  # put back after a lost worker
        (["running", "waiting"], True, "running"),
        (["succeeded", "ready"], True, "running"),
        (["succeeded", "skipped"], True, "succeeded"),
        (["succeeded", "succeeded"], True, "succeeded"),
        (["failed", "running"], True, "failed"),
        (["failed", "cancelled"], True, "failed"),
        (["succeeded", "cancelled"], True, "cancelled"),
        (["cancelled", "cancelled"], False, "cancelled"),
    ],
)
def test_job_state(database: Database, states: list[str], started: bool, expected: str) -> None:
    with database.statement() as connection:
        state = connection.execute(
            text("select job_state(:states, :started)"), {"states": states, "started": started}
        ).scalar_one()
    assert state == expected


@pytest.mark.parametrize(
    ("settled", "unsettled", "started", "expected"),
    [
        ([], ["ready", "waiting"], False, "uploaded"),
        ([], ["running", "waiting"], True, "processing"),
        (["probe", "transcribe"], ["running"], True, "processing"),
        (["probe", "transcribe", "analyze"], ["running", "ready"], True, "analyzed"),
        (["probe", "transcribe", "analyze", "clips", "posts"], ["running"], True, "analyzed"),  # thumbnails still run
        (ALL, [], True, "repurposed"),
        (["analyze", "thumbnails", "clips", "posts"], [], True, "repurposed"),
        (["probe"], ["failed", "waiting"], True, "failed"),
        (["probe", "transcribe", "analyze"], ["failed", "cancelled"], True, "failed"),
        ([], ["cancelled"], False, "cancelled"),
        (ALL, ["failed"], True, "repurposed"),  # what was settled once never counts against the video
    ],
)
def test_video_state(
    database: Database, settled: list[str], unsettled: list[str], started: bool, expected: str
) -> None:
    with database.statement() as connection:
        state = connection.execute(
            text("select video_state(:settled, :unsettled, :started)"),
            {"settled": settled, "unsettled": unsettled, "started": started},
        ).scalar_one()
    assert state == expected
