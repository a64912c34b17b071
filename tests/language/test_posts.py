from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engines.extractive import LocalLanguage
from services.engines.posts import X_CHARACTERS, hashtags_of, split_for_x, x_length
from services.engines.wording import as_title, clock, shorten
from services.outputs import PostsOutput
from tests.language.material import TALK, said_by, transcript_of


@pytest.fixture(scope="module")
def drafts() -> PostsOutput:
    language = LocalLanguage()
    transcript = transcript_of(TALK)
    return language.write_posts("Bread & butter", transcript, language.analyze(transcript).output).output


def parts_of(drafts: PostsOutput, network: str) -> tuple[str, ...]:
    return next(post.parts for post in drafts.posts if post.network == network)


def test_every_network_has_a_labelled_draft(drafts: PostsOutput) -> None:
    assert [post.network for post in drafts.posts] == [
        "linkedin",
        "x_thread",
        "newsletter",
        "blog_outline",
        "show_notes",
    ]
    assert (drafts.engine, drafts.method) == ("local", "extractive")
    assert all(part.strip() for post in drafts.posts for part in post.parts)


def test_a_thread_is_numbered_and_fits(drafts: PostsOutput) -> None:
    parts = parts_of(drafts, "x_thread")
    assert len(parts) >= 3
    for number, part in enumerate(parts, start=1):
        assert part.endswith(f" {number}/{len(parts)}")
        assert x_length(part) <= X_CHARACTERS


def test_the_drafts_only_say_what_was_said(drafts: PostsOutput) -> None:
    said = said_by(transcript_of(TALK))
    thread = [part.rsplit(" ", 1)[0] for part in parts_of(drafts, "x_thread")[:-1]]
    points = [
        line.removeprefix("- ") for line in parts_of(drafts, "blog_outline")[0].splitlines() if line.startswith("- ")
    ]
    assert points
    assert all(text in said for text in (*thread, *points))


def test_show_notes_have_chapters_with_times(drafts: PostsOutput) -> None:
    (notes,) = parts_of(drafts, "show_notes")
    assert notes.startswith("Bread & butter\n")
    assert "\n0:00 " in notes


def test_titles_fit_and_differ(drafts: PostsOutput) -> None:
    assert 3 <= len(drafts.titles) <= 5
    assert len(set(drafts.titles)) == len(drafts.titles)
    assert all(0 < len(title) <= 70 for title in drafts.titles)


def test_a_hostile_or_endless_title_breaks_no_limit() -> None:
    language = LocalLanguage()
    transcript = transcript_of("Unstoppable" * 100 + " is one word. " + "🙂" * 300 + " is another one that never ends.")
    for title in ("x" * 1000, "\u202etxt.exe\n\n# <script>alert(1)</script> =1+1", "", "🙂" * 400):
        drafts = language.write_posts(title, transcript, language.analyze(transcript).output).output
        assert all(x_length(part) <= X_CHARACTERS for part in parts_of(drafts, "x_thread"))
        assert len(parts_of(drafts, "linkedin")[0]) <= 3000
        assert all("\n" not in each for each in drafts.titles)


def test_one_word_is_enough_for_drafts() -> None:
    language = LocalLanguage()
    transcript = transcript_of("Yes.")
    analysis = language.analyze(transcript).output
    assert analysis.highlights == ()
    assert len(language.write_posts("A word", transcript, analysis).output.posts) == 5


pieces = st.lists(st.text(alphabet="aé🙂", min_size=1, max_size=40), max_size=60).map(" ".join)


@given(text=pieces | st.text(max_size=300), limit=st.integers(min_value=20, max_value=280))
def test_splitting_loses_nothing(text: str, limit: int) -> None:
    parts = split_for_x(text, limit)
    assert all(0 < x_length(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_x_counts_as_x_does() -> None:
    assert x_length("a \u2013 “é”") == 7
    assert x_length("🙂…漢") == 6


def test_hashtags() -> None:
    phrases = [
        "John Dashwood",
        "ill-disposed man",
        "john dashwood",
        "2024",
        "#!?",
        "a phrase that is far too long to be a hashtag",
    ]
    assert hashtags_of(phrases) == ("#JohnDashwood", "#IlldisposedMan")


def test_wording() -> None:
    assert (clock(0), clock(80.9), clock(3723)) == ("0:00", "1:20", "1:02:03")
    assert shorten("short", 10) == "short"
    assert shorten("The oven was old, and the flour was local", 25) == "The oven was old…"
    assert as_title("the price was wrong.", 60) == "The price was wrong"
    assert len(shorten("x" * 100, 20)) == 20
