"""How each output came to be, and all of a video in one archive."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from decimal import Decimal

import pytest

from services.bootstrap import Services
from services.errors import NotFound
from services.model import JobKind, StageName
from services.records.stages import Claim, Finish, Outcome
from tests.integration.conftest import NewUser
from tests.integration.test_recut import Bench, bench, recorded
from tests.web.made import SENTENCES

__all__ = ["bench"]

CALL = {
    "engine": "openai",
    "model": "gpt",
    "prompt_version": "7",
    "unit": "tokens",
    "quantity": 1234.0,
    "cost": "0.012345",
}


def costly(one: Claim) -> Finish:
    return replace(recorded(one), calls=[CALL], cost=Decimal("0.012345"))


def tried_once(one: Claim) -> Finish:
    if one.attempt > 1:
        return costly(one)
    return Finish(
        stage_id=one.stage_id, token=one.token, outcome=Outcome.RETRIED, reason="busy", cost=Decimal("0.000001")
    )


def test_each_output_says_how_it_was_made(bench: Bench) -> None:
    bench.services.operations.submit(bench.user, bench.video_id, JobKind.POSTS)
    bench.run({StageName.POSTS: tried_once})
    made = bench.services.lineages.of_video(bench.user, bench.video_id)
    assert [(output.stage, output.superseded) for output in made.outputs] == [
        (StageName.PROBE, False),
        (StageName.TRANSCRIBE, False),
        (StageName.THUMBNAILS, False),
        (StageName.ANALYZE, False),
        (StageName.CLIPS, False),
        (StageName.POSTS, False),
        (StageName.POSTS, True),
    ]
    posts = made.outputs[5]
    assert (posts.kind, posts.attempts, posts.worker) == (JobKind.POSTS, 2, "worker")
    assert posts.asked_by == bench.user.name
    assert posts.cost == Decimal("0.012346"), "of both attempts, exactly"
    assert [(use.engine, use.model, use.prompt_version, use.cost) for use in posts.uses] == [
        ("openai", "gpt", "7", Decimal("0.012345"))
    ]
    assert posts.took >= 0
    assert posts.waited >= 0
    assert made.cost == Decimal("0.012346")


def test_edits_are_part_of_the_story(bench: Bench) -> None:
    bench.services.edits.save(bench.user, bench.video_id, "segment:0", "x")
    bench.services.edits.save(bench.user, bench.video_id, "segment:0", None)
    bench.services.operations.submit(bench.user, bench.video_id, JobKind.TRANSCRIBE)
    bench.run()
    made = bench.services.lineages.of_video(bench.user, bench.video_id)
    assert [(edit.target, edit.editor, edit.taken_back, edit.superseded) for edit in made.edits] == [
        ("segment:0", bench.user.name, True, True),
        ("segment:0", bench.user.name, False, True),
    ]


def keep_files(services: Services, bench: Bench) -> None:
    """Puts something where the video's files should lie, of the size that is on record."""
    detail = services.videos.get(bench.user, bench.video_id)
    for file in detail.files:
        path = services.settings.home / "made"
        path.write_bytes(b"f" * file.size)
        services.storage.keep(path, file.storage_key)


def opened(bench: Bench, *, source: bool = False) -> dict[str, bytes]:
    archive = bench.services.archives.open(bench.user, bench.video_id, source=source)
    content = b"".join(archive.chunks)
    assert len(content) == archive.size, "the length that was announced"
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        assert {name.split("/")[0] for name in opened.namelist()} == {archive.name.removesuffix(".zip")}
        return {name.split("/", 1)[1]: opened.read(name) for name in opened.namelist()}


def test_the_archive_holds_everything_with_the_edits(bench: Bench) -> None:
    keep_files(bench.services, bench)
    save = bench.services.edits.save
    save(bench.user, bench.video_id, "title", "../Über: all/of it?\u200f")
    save(bench.user, bench.video_id, "segment:0", "When we started the zymurgy.")
    save(bench.user, bench.video_id, "post:linkedin", ["written by hand"])
    save(bench.user, bench.video_id, "thumbnail", 4)
    save(bench.user, bench.video_id, "clip:2", "hidden")
    files = opened(bench)
    assert sorted(files) == [
        "README.txt",
        "analysis/analysis.json",
        "analysis/analysis.md",
        "clips/1-The-audience-edits-with-you-part-1-16x9.mp4",
        "clips/1-The-audience-edits-with-you-part-1-9x16.mp4",
        "clips/2-The-audience-edits-with-you-part-2-16x9.mp4",
        "clips/2-The-audience-edits-with-you-part-2-9x16.mp4",
        "posts/blog-outline.md",
        "posts/linkedin.txt",
        "posts/newsletter.md",
        "posts/show-notes.md",
        "posts/x-thread.txt",
        "thumbnails/1-at-0.00.jpg",
        "thumbnails/2-at-0.05.jpg",
        "thumbnails/3-at-0.10.jpg",
        "thumbnails/4-at-0.15.jpg",
        "thumbnails/5-at-0.20-chosen.jpg",
        "thumbnails/6-at-0.25.jpg",
        "transcript/transcript.json",
        "transcript/transcript.srt",
        "transcript/transcript.txt",
        "transcript/transcript.vtt",
    ]
    assert files["posts/linkedin.txt"] == b"written by hand\n"
    assert files["transcript/transcript.txt"].startswith(b"When we started the zymurgy.")
    assert json.loads(files["transcript/transcript.json"])["corrections"][0]["original"] == SENTENCES[0]
    assert json.loads(files["analysis/analysis.json"])["method"] == "extractive"
    told = files["README.txt"].decode()
    assert "transcribe: started 20" in told
    assert "attempts 1, cost free, asked for by the system" in told
    assert "segment:0" in told
    assert opened(bench, source=True).keys() - files.keys() == {"source/f"}


def test_a_file_that_is_gone_leaves_the_rest(bench: Bench) -> None:
    files = opened(bench)
    assert not any(name.startswith(("clips/", "thumbnails/")) for name in files)
    assert "transcript/transcript.vtt" in files


def test_the_archive_reads_as_it_is_asked_and_stops_when_it_is_left(bench: Bench) -> None:
    keep_files(bench.services, bench)
    detail = bench.services.videos.get(bench.user, bench.video_id)
    clip = detail.file("clip_landscape", 0)
    assert clip is not None
    path = bench.services.storage.path(clip.storage_key)
    path.write_bytes(b"x" * 40 * 1024 * 1024)
    archive = bench.services.archives.open(bench.user, bench.video_id, source=False)
    pieces = [next(archive.chunks) for _ in range(10)]
    assert max(map(len, pieces)) < 2 * 1024 * 1024
    archive.chunks.close()  # type: ignore[attr-defined]
    assert not list(archive.chunks)


def test_others_see_neither_lineage_nor_archive(bench: Bench, new_user: NewUser) -> None:
    stranger = new_user()
    with pytest.raises(NotFound):
        bench.services.lineages.of_video(stranger, bench.video_id)
    with pytest.raises(NotFound):
        bench.services.archives.open(stranger, bench.video_id, source=False)
