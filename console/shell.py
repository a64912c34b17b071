"""The page that every address answers with: Streamlit's own index page, made ours.

What is changed is found by exact text; what is not there any more after an upgrade stays as Streamlit wrote it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import streamlit

BUNDLE = Path(streamlit.__file__).parent / "static"
STATIC = Path(__file__).parent / "static"
CONFIG = Path(__file__).parents[1] / ".streamlit" / "config.toml"

FONT = "app/static/fonts/inter-latin-wght-normal.woff2"
# What every page draws with: the browser fetches these beside the rest, not when the first script has run.
DRAWN_WITH = ("BidiComponent", "Button")

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_TITLE = "<title>Streamlit</title>"
_ICON = '<link rel="shortcut icon" href="./favicon.png" />'
_FONT = re.compile(r"<link\s+rel=\"preload\"\s+href=\"\./static/media/SourceSans[^>]*>")
_NO_SCRIPT = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)
_DESCRIPTION = re.compile(r"<!--(?:(?!-->).)*?-->\s*<link rel=\"service-desc\"[^>]*>", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/\n?", re.DOTALL)
_CHUNK = re.compile(r"(?:from|import)\s*[\"`']\./([\w.-]+\.js)[\"`']")


def first_theme(mode: str) -> dict[str, Any]:
    """The theme of one mode, light or dark, as Streamlit's page wants it before the server has said anything."""
    theme = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["theme"]
    shared = {name: value for name, value in theme.items() if name not in {"light", "dark", "fontFaces"}}
    font = shared.pop("font")
    return {**shared, **theme[mode], "bodyFont": font}


def settings() -> str:
    """The script that tells Streamlit's page what it would otherwise ask the server for, twice on a deep address."""
    host = {"useExternalAuthToken": False, "enableCustomParentMessages": False, "metricsUrl": ""}
    fixed = {"LIGHT_THEME": first_theme("light"), "DARK_THEME": first_theme("dark")}
    return (
        f"window.__streamlit = {json.dumps(fixed)};"
        "window.__streamlit.BACKEND_BASE_URL = location.origin;"
        f"window.__streamlit.HOST_CONFIG = {{...{json.dumps(host)}, allowedOrigins: [location.origin]}};"
    )


def chunks(names: tuple[str, ...], page: str) -> list[str]:
    """The scripts of these elements with all that they import, without those that the page names already."""
    folder, found = BUNDLE / "static" / "js", dict[str, None]()
    waiting = [path.name for name in names for path in sorted(folder.glob(f"{name}.*.js"))]
    while waiting:
        name = waiting.pop(0)
        if name not in found and name not in page and (folder / name).exists():
            found[name] = None
            waiting += _CHUNK.findall((folder / name).read_text(encoding="utf-8"))
    return list(found)


@functools.cache
def html() -> str:
    """The page."""
    page = (BUNDLE / "index.html").read_text(encoding="utf-8")
    icon = f"data:image/svg+xml;base64,{base64.b64encode((STATIC / 'icon.svg').read_bytes()).decode()}"
    frame = _COMMENT.sub("", (STATIC / "frame.css").read_text(encoding="utf-8"))
    preloads = "".join(
        f'<link rel="modulepreload" crossorigin href="./static/js/{name}">\n    ' for name in chunks(DRAWN_WITH, page)
    )
    page = page.replace(_TITLE, "<title>Backlot</title>").replace(_ICON, f'<link rel="icon" href="{icon}" />')
    page = _FONT.sub(f'<link rel="preload" href="./{FONT}" as="font" type="font/woff2" crossorigin />', page)
    page = _DESCRIPTION.sub("", page)
    page = _NO_SCRIPT.sub("<noscript><p>Backlot needs JavaScript: allow it for this address.</p></noscript>", page)
    page = _INLINE.sub(lambda found: f"<script>{found[1]}{settings()}</script>", page, count=1)
    return page.replace("</head>", f"  {preloads}<style>\n{frame}</style>\n  </head>", 1)


def script_hashes() -> list[str]:
    """The sources that a Content-Security-Policy names for the scripts written into the page."""
    return [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _INLINE.findall(html())
    ]
