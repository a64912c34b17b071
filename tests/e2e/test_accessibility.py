"""Every page, in both themes and at two widths: axe's rules, the contrast of each text, and all of it by keyboard."""

from __future__ import annotations

import pytest

from tests.e2e.crawl import Found

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

# Rules that Streamlit's own elements break. What stands in a component of ours has no excuse.
STREAMLITS = {"list", "listitem", "svg-img-alt"}
# Chapters on the bar of time are for the mouse: the slider that they lie on goes to each second by arrows.
BY_OTHER_KEYS = ("div.bar-of-time > div.marks > button.mark",)


def told(problems: list[str]) -> str:
    return "\n".join(["", *problems])


def test_axe_finds_nothing(pages: list[Found]) -> None:
    """A target of one plain selector is Streamlit's own; what lies in a component names its host first."""
    problems = [
        f"{page.name} {rule}: {target} {html}"
        for page in pages
        for rule, target, html in page.rules
        if not (rule.split()[-1] in STREAMLITS and isinstance(target[0], str))
    ]
    assert not problems, told(problems)
    assert all(page.passed > 20 for page in pages), "axe looked at nothing"


def test_every_text_stands_out(pages: list[Found]) -> None:
    problems = [f"{page.name} {one}" for page in pages for one in page.pale]
    assert not problems, told(problems)
    assert all(page.texts >= 12 for page in pages), "no text was looked at"


def test_everything_is_reachable_by_keyboard(pages: list[Found]) -> None:
    problems = [f"{page.name}: {one}" for page in pages for one in page.unreachable if not one.endswith(BY_OTHER_KEYS)]
    assert not problems, told(problems)
    assert all(page.pressable for page in pages), "nothing was there to press"


def test_nothing_is_wider_than_the_window(pages: list[Found]) -> None:
    assert not [f"{page.name} {one}" for page in pages for one in page.too_wide]
