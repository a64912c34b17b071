"""Links that save a file."""

from __future__ import annotations

from collections.abc import Sequence

from console.components import component

_downloads = component("downloads")


def downloads(label: str, links: Sequence[tuple[str, str]]) -> None:
    """Links that save a file: (name, address)."""
    _downloads(
        data={"label": label, "links": [{"name": name, "address": address} for name, address in links]},
        key=f"downloads_{label}",
    )
