"""How everything of a video came to be."""

from __future__ import annotations

from typing import Any

from console.components import component
from console.look import KIND_NAMES, STAGE_NAMES
from services.lineage import Lineage, MadeEdit, MadeOutput
from services.manifest import money

_lineage = component("lineage")


def lineage(made: Lineage) -> None:
    """Each output with its engine, times and cost, and what people changed since; the browser shows its own time."""
    _lineage(
        data={
            "outputs": [_row(output) for output in made.outputs],
            "edits": [{"at": edit.at.isoformat(), "text": _sentence(edit)} for edit in made.edits],
            "cost": money(made.cost),
        },
        key="lineage",
    )


def _row(output: MadeOutput) -> dict[str, Any]:
    return {
        "stage": STAGE_NAMES[output.stage],
        "kind": KIND_NAMES[output.kind],
        "asked_by": output.asked_by or "the system",
        "started_at": output.started_at.isoformat(),
        "waited": output.waited,
        "took": output.took,
        "attempts": output.attempts,
        "worker": output.worker,
        "cost": money(output.cost),
        "superseded": output.superseded,
        "uses": [
            {
                "engine": use.engine,
                "model": use.model,
                "prompt": use.prompt_version,
                "amount": f"{use.quantity:,.0f} {use.unit.replace('_', ' ')}",
            }
            for use in output.uses
        ],
    }


def _sentence(edit: MadeEdit) -> str:
    kind, _, name = edit.target.partition(":")
    thing = {
        "segment": f"line {int(name) + 1 if name.isdecimal() else name} of the transcript",
        "post": f"the post for {name.replace('_', ' ')}",
        "thumbnail": "the thumbnail",
    }.get(kind, edit.target)
    told = f"{edit.editor} {'took back the change of' if edit.taken_back else 'changed'} {thing}"
    return f"{told} (of an older output)" if edit.superseded else told
