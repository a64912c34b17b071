"""The live parts of the pages that Streamlit has no element for, each a module, a script and a style sheet of one name.

All text reaches the document as text (`base.js`), so that nothing a person or a model wrote can act as HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

FOLDER = Path(__file__).parent

Data = Mapping[str, Any]


def _text(name: str) -> str:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def component(name: str, *engines: str) -> ComponentRenderer:
    """Registers `name.js` with `name.css` and `name.html` where they exist, on the common base and the named engines.

    An engine, such as `live` (`live_engine.js`), is one object on the window that all components of a tab share.
    """
    return st.components.v2.component(
        f"backlot_{name}",
        html=_text(f"{name}.html") or '<div id="root"></div>',
        css=_text("base.css") + _text(f"{name}.css"),
        js=_text("base.js") + "".join(_text(f"{engine}_engine.js") for engine in engines) + _text(f"{name}.js"),
    )


def nothing() -> None:
    """A trigger's value exists only where a callback is named."""


def trigger(value: object) -> str | None:
    """What a component's trigger said in this run, if it did."""
    return value if isinstance(value, str) else None
