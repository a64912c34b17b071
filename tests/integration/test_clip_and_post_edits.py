"""What people say of clips, posts and thumbnails lies over the outputs, with their name, and can be taken back."""

from __future__ import annotations

import io
import zipfile

import pytest

from services.errors import BadInput
from services.model import JobKind, StageName
from services.records import stages
from tests.integration.test_recut import CUT, Bench, bench, rendered

__all__ = ["bench"]
JOINED = "👩\u200d👩\u200d👧 क्\u200dष"


def save(bench: Bench, target: str, value: object) -> object:
    return bench.services.edits.save(bench.user, bench.video_id, target, value)


def standing(bench: Bench) -> dict[str, object]:
    return dict(bench.services.videos.get(bench.user, bench.video_id).edits)


def test_a_post_keeps_what_scripts_and_emoji_need_and_nothing_that_acts(bench: Bench) -> None:
    written = [f"  {JOINED}\tone\r\n\r\nline \u202etwo\x00\x1b ", "part two <b>"]
    kept = [f"{JOINED} one\n\nline two", "part two <b>"]
    assert save(bench, "post:x_thread", written) == kept
    detail = bench.services.videos.get(bench.user, bench.video_id)
    assert detail.edits == {"post:x_thread": kept}
    assert detail.edited["post:x_thread"].editor == bench.user.name
    assert save(bench, "post:x_thread", None) is None
    assert standing(bench) == {}


@pytest.mark.parametrize("value", ["text", [], [""], ["a", "\u202e"], ["a"] * 51, ["a" * 20_001], [1], 3])
def test_what_is_no_post_is_refused(bench: Bench, value: object) -> None:
    with pytest.raises(BadInput):
        save(bench, "post:linkedin", value)
    with pytest.raises(BadInput, match="no such post"):
        save(bench, "post:nowhere", ["text"])


@pytest.mark.parametrize("value", [6, -1, "0", True, [0]])
def test_what_is_no_thumbnail_is_refused(bench: Bench, value: object) -> None:
    with pytest.raises(BadInput):
        save(bench, "thumbnail", value)
    with pytest.raises(BadInput):
        save(bench, "thumbnail:1", 0)


def test_the_thumbnail_that_was_chosen_stands_for_the_video(bench: Bench) -> None:
    def shown() -> object:
        with bench.services.database.statement() as connection:
            return connection.exec_driver_sql(
                "select f.role, f.position from videos v join files f on f.id = v.thumbnail_id where v.id = %s",
                (bench.video_id,),
            ).one()

    assert shown() == ("thumbnail", 2), "the one that was picked"
    save(bench, "thumbnail", 4)
    assert shown() == ("thumbnail", 4)
    save(bench, "thumbnail", None)
    assert shown() == ("thumbnail", 2)


def test_a_clip_that_was_taken_out_stays_out_until_all_are_made_anew(bench: Bench) -> None:
    assert save(bench, "clip:2", "hidden") == "hidden"
    old = bench.clips()
    bench.recut(CUT)
    bench.run({StageName.CLIPS: lambda one: rendered(one, old[1], kept=(old[0], old[2]))})
    assert standing(bench) == {"clip:2": "hidden"}
    bench.services.operations.submit(bench.user, bench.video_id, JobKind.CLIPS)
    bench.run()
    assert standing(bench) == {}


def test_a_clip_comes_back(bench: Bench) -> None:
    save(bench, "clip:2", "hidden")
    save(bench, "clip:2", None)
    assert standing(bench) == {}
    for target, value in (("clip:3", "hidden"), ("clip:x", "hidden"), ("clip:02", "hidden"), ("clip:2", "gone")):
        with pytest.raises(BadInput):
            save(bench, target, value)


@pytest.mark.parametrize(
    "target",
    [
        "segment:" + "1" * 5000,
        "segment:1" + "0" * 9,
        "segment:٣",
        "segment:0 ",
        "segment:0\n",
        "thumbnail:",
        "clip:",
        "post:LinkedIn",
        "post:",
        "video",
        "",
    ],
)
def test_what_is_no_target_is_refused(bench: Bench, target: str) -> None:
    with pytest.raises(BadInput, match="no such line"):
        save(bench, target, None)
    assert standing(bench) == {}


def test_what_stands_is_the_same_for_everybody_who_asks(bench: Bench) -> None:
    """The page, the lineage and the work that is done again."""
    save(bench, "clip:2", "hidden")
    save(bench, "segment:0", "kept")
    save(bench, "post:linkedin", ["written before"])
    old = bench.clips()
    bench.recut(CUT)
    bench.run({StageName.CLIPS: lambda one: rendered(one, old[1], kept=(old[0], old[2]))})
    job_id = bench.services.operations.submit(bench.user, bench.video_id, JobKind.POSTS)
    bench.run()
    with bench.services.database.statement() as connection:
        inputs = stages.inputs(connection, [job_id])[job_id]
    made = bench.services.lineages.of_video(bench.user, bench.video_id)
    wanted = {"clip:2": "hidden", "segment:0": "kept"}
    assert standing(bench) == inputs.edits == wanted
    assert {edit.target: edit.superseded for edit in made.edits} == {
        "clip:2": False,
        "segment:0": False,
        "post:linkedin": True,
    }
    archive = b"".join(bench.services.archives.open(bench.user, bench.video_id, source=False).chunks)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        (told,) = (opened.read(name).decode() for name in opened.namelist() if name.endswith("README.txt"))
    assert "clip:2" in told
    assert "post:linkedin" not in told
