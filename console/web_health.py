"""Asks the web server whether it serves."""

from __future__ import annotations

import urllib.error
import urllib.request


def status_of(address: str, *, seconds: float) -> int:
    """The HTTP status that the console's health page answers with, be it a refusal. Raises OSError when none comes."""
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=seconds) as answer:  # noqa: S310  our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
