"""The pages run by Streamlit's own harness, on services without stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console import session, wiring
from services.model import User
from tests.web.fakes import FakeServices

APP = Path(__file__).parents[2] / "console" / "app.py"
Run = Callable[..., AppTest]


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    fakes = FakeServices()
    monkeypatch.setattr(wiring, "services", lambda: fakes)
    monkeypatch.setattr(wiring, "settings", lambda: fakes.settings)
    monkeypatch.setattr(session, "token", lambda: None)
    return fakes


@pytest.fixture
def run(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> Run:
    """run(user, page="../pages/x.py", **query): the page as this user, or nobody, gets it."""

    def running(user: User | None, page: str | None = None, /, **query: str) -> AppTest:
        token = None if user is None else services.sessions.open(user)
        monkeypatch.setattr(session, "token", lambda: token)
        test = AppTest.from_file(APP, default_timeout=20)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        if page is not None:
            test.switch_page(page).run()
        assert not test.exception
        return test

    return running


def components(test: AppTest) -> dict[str, Any]:
    """The data that each of our components was given, by name."""
    return {
        element.proto.component_name.removeprefix("backlot_"): json.loads(element.proto.json or "null")
        for element in test.get("bidi_component")
    }


def keyed(test: AppTest, key: str) -> dict[str, Any]:
    """The data that the component of this key was given."""
    for element in test.get("bidi_component"):
        if element.proto.id.endswith(f"-{key}"):
            return dict(json.loads(element.proto.json or "null") or {})
    raise AssertionError(f"there is no component {key}")
