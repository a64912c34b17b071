"""Rows that say something and let one thing be done to each: sessions, tokens, limits of one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from console.components import component, nothing, trigger
from console.look import Chip

_row_list = component("row_list")


@dataclass(frozen=True, kw_only=True)
class Row:
    """action is the word on the button, None for no button; confirm is asked before it counts."""

    id: str
    title: str
    facts: tuple[str, ...]
    chip: Chip | None = None
    action: str | None = None
    confirm: str | None = None


def row_list(rows: Sequence[Row], *, key: str, label: str, empty: str) -> str | None:
    """The rows, or `empty` where there are none. The id of the row whose action was asked for, once."""
    data = [asdict(row) | {"chip": row.chip._asdict() if row.chip else None} for row in rows]
    result = _row_list(data={"rows": data, "label": label, "empty": empty}, key=key, on_acted_change=nothing)
    return trigger(result.acted)
