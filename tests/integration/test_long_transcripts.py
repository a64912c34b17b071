"""A transcript of many hours costs only those who read it."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from services.model import StageName
from tests.integration.test_recut import Bench, bench

__all__ = ["bench"]


def put_transcript(bench: Bench, data: object) -> None:
    """Records this in the place of the transcript."""
    with bench.services.database.transaction() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(
            text("update outputs set data = cast(:data as jsonb) where video_id = :id and name = 'transcribe'"),
            {"data": json.dumps(data), "id": bench.video_id},
        )


def test_a_page_that_only_asks_whether_there_is_a_transcript_reads_none(bench: Bench) -> None:
    put_transcript(bench, {"language": "de", "segments": "not a transcript"})
    detail = bench.services.videos.get(bench.user, bench.video_id)
    assert StageName.TRANSCRIBE in detail.outputs
    assert set(detail.outputs) == set(StageName)
    assert detail.language == "de"
    with pytest.raises(ValidationError):
        detail.outputs[StageName.TRANSCRIBE]
