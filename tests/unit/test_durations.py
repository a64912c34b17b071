"""Waits are told in words, and never as shorter than they are."""

from __future__ import annotations

import pytest

from services.durations import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (59.4, "60 s"),
        (119, "119 s"),
        (120, "2 min"),
        (121, "3 min"),
        (3599, "1 h"),
        (3601, "1 h 1 min"),
        (86_400, "24 h"),
        (86_401, "24 h 1 min"),
        (2 * 86_400, "2 days"),
        (2 * 86_400 + 1, "3 days"),
    ],
)
def test_a_wait_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
