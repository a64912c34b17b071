"""The search box of the library, and its filters."""

from __future__ import annotations

from collections.abc import Callable

from console.components import component
from console.look import VIDEO_CHIPS, at_least
from services.library import MOST_COUNTED, Page
from services.model import VideoState

KEY = "library_bar"
_library_bar = component("library_bar", "address")


def library_bar(page: Page, *, asked: str, amount: str, show_owner: bool, on_asked: Callable[[], None]) -> None:
    """asked is the address as it stands; on_asked is called when the trigger `asked` of KEY holds another one."""
    _library_bar(
        data={
            "asked": asked,
            "total": at_least(page.counts.values(), most=MOST_COUNTED),
            "states": [
                {
                    "id": state,
                    "name": VIDEO_CHIPS[state].label,
                    "colour": VIDEO_CHIPS[state].colour,
                    "count": at_least([page.counts[state]], most=MOST_COUNTED),
                }
                for state in VideoState
            ],
            "show_owner": show_owner,
            "told": f"{amount} found",
        },
        key=KEY,
        on_asked_change=on_asked,
    )
