"""Streamlit puts the folders of its scripts first on the path: a module there hides a package of the same name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"pages", "jobs", "services", "console"}


@pytest.mark.parametrize("folder", ["console", "pages"])
def test_no_module_beside_the_scripts_hides_a_package(folder: str) -> None:
    names = {path.stem for path in (ROOT / folder).iterdir() if not path.name.startswith("_")}
    assert "sample" in PACKAGES
    assert not names & (PACKAGES | sys.stdlib_module_names)
