"""What the browser decides while a person writes or cuts is what the services decide: one rule in two languages."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from console.components import FOLDER
from services import cuts
from services.engines.posts import x_length
from services.errors import BadInput
from services.outputs import ProbeOutput, Segment, TranscriptOutput, Word

pytestmark = pytest.mark.browser

TEXTS = (
    "",
    "plain words, 100 %",
    "Zażółć gęślą — “quoted” … €",
    "日本語のテキスト",
    "e\u0301te\u0301",
    "see https://example.com/a/very/long/path?with=a&query=1#part, please",
    "(https://example.com/x).",
    "example.com and sub.example.co.uk/path! and www.example.org.",
    "mail a@example.com, version 1.2.3, e.g. this, node.js, file.mp4, example.community",
    "http://x",
    "👩\u200d👩\u200d👧 👍🏽 🇩🇪🇫🇷 1\ufe0f\u20e3 ☀\ufe0f ☀ © ™",
    "🏳\ufe0f\u200d🌈 and 🧑\u200d💻",
    "a\nb\n\nc",
    "x" * 300,
)


@pytest.fixture(scope="module")
def blank(chromium_browser: Browser) -> Iterator[Page]:
    page = chromium_browser.new_page()
    page.set_content("<p></p>")
    for name in ("post_length", "cutting"):
        page.evaluate((FOLDER / f"{name}_engine.js").read_text())
    yield page
    page.close()


@pytest.mark.parametrize("text", TEXTS)
def test_a_post_for_x_has_one_length(blank: Page, text: str) -> None:
    assert blank.evaluate("text => window.backlotPostLength.of('x_thread', text)", text) == x_length(text)


def test_addresses_and_emoji_count_as_x_counts_them() -> None:
    assert x_length("https://example.com/" + "x" * 200) == 23
    assert x_length("see example.com.") == 4 + 23 + 1
    assert x_length("👩\u200d👩\u200d👧") == 2
    assert x_length("日本") == 4
    assert x_length("a@example.com") == 13


def test_others_count_characters(blank: Page) -> None:
    assert blank.evaluate("text => window.backlotPostLength.of('linkedin', text)", "日本 👍 https://example.com") == 24


@pytest.mark.parametrize("seed", range(6))
def test_every_cut_that_the_editor_offers_is_taken(blank: Page, seed: int) -> None:
    """Words as speech recognition gives them: overlapping, without a pause, without a length."""
    chance = random.Random(seed)
    words: list[Word] = []
    at = 0.3
    for number in range(60):
        start = max(at + chance.choice([-0.15, 0.0, 0.0, 0.05, 0.2, 0.9]), words[-1].start if words else 0.0)
        end = start + chance.choice([0.0, 0.1, 0.25, 0.4, 0.7])
        words.append(Word(start=start, end=end, text=f"word{number}", confidence=1.0))
        at = end
    duration = at + chance.choice([-0.05, 0.0, 0.2, 2.0])
    limits = {
        "lead_in": cuts.LEAD_IN,
        "lead_out": cuts.LEAD_OUT,
        "duration": duration,
        "scene_cuts": sorted(chance.uniform(0, duration) for _ in range(4)),
    }
    points = blank.evaluate(
        "([words, limits]) => window.backlotCutting.points(words, limits)",
        [[{"start": word.start, "end": word.end, "text": word.text} for word in words], limits],
    )
    assert sum(point["start"] is not None for point in points) > 20
    probed = ProbeOutput(container="mp4", duration=duration, size_bytes=1, has_picture=True, has_sound=True)
    segment = Segment(start=0, end=duration, text="", words=tuple(words))
    transcript = TranscriptOutput(language="en", duration=duration, segments=(segment,), engine="e", model="m")
    tried = 0
    for first, begin in enumerate(points):
        for last in range(first + 8, len(points), 5):
            start, end = begin["start"], points[last]["end"]
            if start is None or end is None or not cuts.SHORTEST <= end - start <= cuts.LONGEST:
                continue
            tried += 1
            asked = {"cuts": [{"position": 0, "start": start, "end": end, "title": "t"}]}
            try:
                cuts.checked(asked, probed=probed, transcript=transcript, clips=None)
            except BadInput as refusal:
                pytest.fail(f"{words[first].text} to {words[last].text}: {refusal}")
            said = cuts.words_within(words, start, end)
            assert words[first] in said
            assert words[last] in said
    assert tried > 50
