"""One Postgres and one Valkey for a test session, in temporary folders, and the browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from services.embedded import start_postgres, start_valkey
from tests import browser

# The gate draws the same cases each time: what one change is judged by must not hang on luck. Look for more of them
# with HYPOTHESIS_PROFILE=default.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`postgresql+psycopg://…/backlot`: an empty database, without the product's tables."""
    server = start_postgres(tmp_path_factory.mktemp("postgres"))
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`redis://…/0`: an empty Valkey."""
    server = start_valkey(tmp_path_factory.mktemp("valkey"))
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """A Chromium for Playwright's executable_path, brought if the machine has none."""
    return browser.bring()
