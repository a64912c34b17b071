"""The live parts of the pages that Streamlit has no element for, each a script and a style sheet in this folder.

All text reaches the document as text (`base.js`), so that nothing a person or a model wrote can act as HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def _component(name: str, *, engine: str = "") -> ComponentRenderer:
    """Registers `name.js` with `name.css` and `name.html` where they exist, on the common base."""
    return st.components.v2.component(
        f"backlot_{name}",
        html=_text(f"{name}.html") or '<div id="root"></div>',
        css=_text("base.css") + _text(f"{name}.css"),
        js=_text("base.js") + (_text(engine) if engine else "") + _text(f"{name}.js"),
    )


_exchange_ticket = _component("exchange_ticket")
_sign_out = _component("sign_out")
_drop_zone = _component("drop_zone", engine="upload_engine.js")
_upload_strip = _component("upload_strip", engine="upload_engine.js")
_video_list = _component("video_list")
_heading = _component("heading")
_stepper = _component("stepper")
_player = _component("player")
_transcript = _component("transcript")
_analysis = _component("analysis")
_gallery = _component("gallery")
_clips = _component("clips")
_posts = _component("posts")
_downloads = _component("downloads")


def _nothing() -> None:
    """A trigger's value exists only where a callback is named."""


def exchange_ticket(ticket: str) -> None:
    """Exchanges a one-time ticket for the session cookie, then loads the page again."""
    _exchange_ticket(data={"ticket": ticket}, key="exchange_ticket")


def sign_out_button() -> None:
    """A button that ends the session and leads to the sign-in page."""
    _sign_out(key="sign_out")


def drop_zone(*, size_limit: int) -> str | None:
    """Where files are dropped, with how far each is. size_limit in bytes. The id of a video to open, once."""
    result = _drop_zone(data={"size_limit": size_limit}, key="drop_zone", on_opened_change=_nothing)
    return _trigger(result.opened)


def upload_strip() -> None:
    """The upload under way in this tab, if there is one: it goes on while other pages are shown."""
    _upload_strip(key="upload_strip")


def video_list(rows: Sequence[Data], *, show_owner: bool) -> str | None:
    """The rows of look.video_row as a list. The id of a video to open, once."""
    result = _video_list(
        data={"rows": list(rows), "show_owner": show_owner}, key="video_list", on_opened_change=_nothing
    )
    return _trigger(result.opened)


def heading(title: str, *, state: str, colour: str, facts: Sequence[str]) -> None:
    """The title of a page that a person named, with a state chip and one line of facts."""
    _heading(data={"title": title, "state": state, "colour": colour, "facts": list(facts)}, key="heading")


def stepper(data: Data) -> None:
    """The stages of a video: look.steps."""
    _stepper(data=dict(data), key="stepper")


def player(*, source: str, captions: str | None, language: str, poster: str | None, sound_only: bool) -> None:
    """Plays a file from its address, with captions; other components move it to a time."""
    _player(
        data={
            "source": source,
            "captions": captions,
            "language": language,
            "poster": poster,
            "sound_only": sound_only,
        },
        key="player",
    )


def transcript(source: str) -> None:
    """A transcript, read by the browser from its JSON address: follows the player and moves it."""
    _transcript(data={"source": source}, key="transcript")


def analysis(data: Data) -> None:
    """Summary, chapters, keywords and quotes: look.analysis."""
    _analysis(data=dict(data), key="analysis")


def gallery(pictures: Sequence[Data]) -> None:
    """Thumbnails: look.pictures."""
    _gallery(data={"pictures": list(pictures)}, key="gallery")


def clips(cards: Sequence[Data]) -> None:
    """Clips to play, each with its explained score: look.clips."""
    _clips(data={"clips": list(cards)}, key="clips")


def posts(data: Data) -> None:
    """Posts to copy: look.posts."""
    _posts(data=dict(data), key="posts")


def downloads(label: str, links: Sequence[tuple[str, str]]) -> None:
    """Links that save a file: (name, address)."""
    _downloads(
        data={"label": label, "links": [{"name": name, "address": address} for name, address in links]},
        key=f"downloads_{label}",
    )


def _trigger(value: object) -> str | None:
    return value if isinstance(value, str) else None
