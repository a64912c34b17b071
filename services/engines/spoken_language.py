"""Guesses the language of a text, by py3langid."""

from __future__ import annotations

from functools import cache
from typing import Any

FEWEST_WORDS = 20


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)


def language_of(text: str, *, otherwise: str) -> str:
    """The two-letter code of the text's language, or `otherwise` where there are too few words to tell.

    It reads text, not sound: an engine that writes down foreign speech as English words deceives it. What catches
    that is the doubt of the transcript.
    """
    if len(text.split()) < FEWEST_WORDS:
        return otherwise
    code, _ = _identifier().classify(text)
    return str(code)
