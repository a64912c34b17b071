"""Lines that people correct: everywhere the new words, in the record the old ones, and only from who may."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from services import subtitles
from services.errors import BadInput, NotAllowed, NotFound
from services.model import JobKind, Role, StageName
from services.outputs import AnalysisOutput, TranscriptOutput
from services.recorded_outputs import RecordedOutputs
from services.records import stages
from services.videos import Spoken
from tests.integration.conftest import NewUser
from tests.integration.test_recut import Bench, bench
from tests.web.made import SENTENCES

__all__ = ["bench"]

LINE = SENTENCES[0]
BETTER = "When we started the zymurgy, nobody believed that a small team could ship every week."


def save(bench: Bench, target: str, value: object) -> object:
    return bench.services.edits.save(bench.user, bench.video_id, target, value)


def spoken(bench: Bench) -> Spoken:
    return bench.services.videos.transcript(bench.user, bench.video_id)


def test_every_form_of_the_transcript_reads_as_corrected_and_the_record_stays(bench: Bench) -> None:
    assert save(bench, "segment:0", f"  {BETTER}\n ") == BETTER
    said = spoken(bench)
    for written in (subtitles.to_srt, subtitles.to_vtt, subtitles.to_text):
        assert written(said.transcript).count("zymurgy") == 1
    data = json.loads(subtitles.to_json(said.transcript, said.corrections))
    assert data["segments"][0]["text"] == BETTER
    (correction,) = data["corrections"]
    assert (correction["line"], correction["original"], correction["editor"]) == (0, LINE, bench.user.name)
    recorded = bench.services.videos.get(bench.user, bench.video_id).outputs[StageName.TRANSCRIBE]
    assert isinstance(recorded, TranscriptOutput)
    assert recorded.segments[0].text == LINE


def test_a_correction_is_taken_back(bench: Bench) -> None:
    save(bench, "segment:0", BETTER)
    save(bench, "segment:0", BETTER + " Twice.")
    assert save(bench, "segment:0", None) is None
    assert spoken(bench).corrections == {}
    assert spoken(bench).transcript.segments[0].text == LINE


def test_work_that_is_done_again_hears_the_corrected_words(bench: Bench) -> None:
    save(bench, "segment:0", BETTER)
    job_id = bench.services.operations.submit(bench.user, bench.video_id, JobKind.POSTS)
    with bench.services.database.statement() as connection:
        inputs = stages.inputs(connection, [job_id])[job_id]
    outputs = RecordedOutputs(inputs.outputs, inputs.edits)
    heard, understood = outputs[StageName.TRANSCRIBE], outputs[StageName.ANALYZE]
    assert isinstance(heard, TranscriptOutput)
    assert isinstance(understood, AnalysisOutput)
    assert heard.segments[0].text == BETTER
    assert [word.text for word in heard.segments[0].words] == BETTER.split()
    assert understood.summary == (BETTER, *SENTENCES[1:3])


def test_a_new_transcript_begins_without_the_corrections_of_the_old(bench: Bench) -> None:
    save(bench, "segment:0", BETTER)
    bench.services.operations.submit(bench.user, bench.video_id, JobKind.TRANSCRIBE)
    bench.run()
    assert spoken(bench).transcript.segments[0].text == LINE
    assert spoken(bench).corrections == {}


@pytest.mark.parametrize("target", ["segment:15", "segment:-1", "segment:00", "segment:", "segment:x", "segment:²"])
def test_only_lines_that_are_there(bench: Bench, target: str) -> None:
    with pytest.raises(BadInput, match="no such line"):
        save(bench, target, "text")


@pytest.mark.parametrize("value", ["", " \n ", "x" * 2001, ["x"], 3])
def test_a_line_is_some_text(bench: Bench, value: object) -> None:
    with pytest.raises(BadInput):
        save(bench, "segment:0", value)


@pytest.mark.parametrize(("target", "value"), [("segment:0", "x"), ("title", "x"), ("tags", ["x"])])
def test_who_may_only_look_changes_nothing(bench: Bench, new_user: NewUser, target: str, value: object) -> None:
    with pytest.raises(NotFound):
        save(replace(bench, user=new_user()), target, value)
    analyst = replace(bench, user=new_user(Role.ANALYST))
    with pytest.raises(NotAllowed):
        save(analyst, target, value)
    assert spoken(analyst).transcript.segments[0].text == LINE
    save(replace(bench, user=new_user(Role.OPERATOR)), target, value)


def test_title_and_tags_are_the_videos_and_on_record(bench: Bench) -> None:
    assert save(bench, "title", " A better\u202e title ") == "A better title"
    assert save(bench, "tags", ["Poems", " poems", "#candle,  light", ""]) == ["Poems", "candle light"]
    row = bench.services.videos.get(bench.user, bench.video_id).video
    assert (row.title, row.tags) == ("A better title", ("Poems", "candle light"))
    assert save(bench, "title", None) == "f", "the name of the file"
    assert save(bench, "tags", None) == []
    with bench.services.database.statement() as connection:
        noted = connection.exec_driver_sql(
            "select action, details ->> 'to' from events where video_id = %s and action like '%% changed' order by id",
            (bench.video_id,),
        ).all()
    assert noted == [
        ("title changed", "A better title"),
        ("tags changed", '["Poems", "candle light"]'),
        ("title changed", "f"),
        ("tags changed", "[]"),
    ]


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("title", ""),
        ("title", "x" * 201),
        ("title", ["x"]),
        ("tags", "poems"),
        ("tags", ["x" * 41]),
        ("tags", [str(number) for number in range(21)]),
        ("tags", [1]),
        ("description", "x"),
    ],
)
def test_what_is_no_title_and_no_tag_is_refused(bench: Bench, target: str, value: object) -> None:
    with pytest.raises(BadInput):
        save(bench, target, value)
