"""`.env.example` names every setting, once, with its default."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.settings import Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def assignments() -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    names = [line.split("=", 1)[0] for line in lines]
    assert len(names) == len(set(names))
    return dict(line.split("=", 1) for line in lines)


def variable(name: str) -> str:
    return name.upper() if name in {"database_url", "redis_url"} else f"BACKLOT_{name.upper()}"


def test_names_every_setting_and_no_other() -> None:
    assert set(assignments()) == {variable(name) for name in Settings.model_fields}


def test_its_values_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in assignments():
        monkeypatch.delenv(name, raising=False)
    assert Settings(_env_file=EXAMPLE) == Settings(_env_file=None)
