"""What a page says when something was refused or went wrong: a sentence, never a stack trace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
import structlog

from services.errors import BacklotError, Refused

log = structlog.get_logger()

# Streamlit makes links of bare addresses also when they are escaped: a word joiner, which nobody sees, parts them.
_ADDRESSES = re.compile(r"(?<=\w)(?=://)|(?<=[wW]{3})(?=\.)|(?<=\w)(?=@\w)")
_PUNCTUATION = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")


def plain(text: str) -> str:
    """The text escaped for Streamlit's Markdown, so that it is read as written and nothing in it is active."""
    one_line = " ".join(text.split())
    return _PUNCTUATION.sub(r"\\\1", _ADDRESSES.sub("\u2060", one_line))


def show_error(error: BacklotError) -> None:
    """One alert with the error's own sentence, which is written for the reader."""
    text = plain(str(error)) or "Something went wrong. Try again."
    if isinstance(error, Refused):
        st.warning(text, icon=":material/info:")
    else:
        st.error(text, icon=":material/cloud_off:")


@contextmanager
def refusals() -> Iterator[None]:
    """Shows what the services refuse at the place of the action, and lets the rest of the page be drawn."""
    try:
        yield
    except BacklotError as error:
        show_error(error)


def show_crash(error: Exception) -> bool:
    """Streamlit's handler for whatever a page lets through."""
    if isinstance(error, BacklotError):
        show_error(error)
    else:
        log.error("page_crashed", kind=type(error).__name__, exc_info=error)
        st.error("Something went wrong on this page. Reload it; if it happens again, tell an operator.")
    return True
