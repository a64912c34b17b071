"""What components say, in tests: the harness runs no scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pytest


class Answers:
    """The triggers of one component, each of which speaks once."""

    def __init__(self, given: dict[str, str]) -> None:
        self._given = given

    def __getattr__(self, name: str) -> str | None:
        return self._given.pop(name, None)


def speaking(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> Callable[[str, str, str], None]:
    """say(key, trigger, value): what the component of this key says in the next run."""
    given: dict[str, dict[str, str]] = {}
    drawn = getattr(module, name)

    def draw(*, data: Mapping[str, Any] | None, key: str, **callbacks: object) -> Answers:
        drawn(data=data, key=key, **callbacks)
        return Answers(given.setdefault(key, {}))

    monkeypatch.setattr(module, name, draw)
    return lambda key, trigger, value: given.setdefault(key, {}).update({trigger: value})
