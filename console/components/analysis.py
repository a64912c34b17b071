"""Summary, chapters, keywords and quotes."""

from __future__ import annotations

from console.components import component
from services.outputs import AnalysisOutput

_analysis = component("analysis")


def analysis(output: AnalysisOutput) -> None:
    """Summary, chapters, keywords and quotes, each with the time to play it from."""
    _analysis(
        data={
            **output.model_dump(mode="json", include={"summary", "chapters", "keywords", "quotes", "sentiment"}),
            "method": f"Method: {output.method} ({output.engine}).",
        },
        key="analysis",
    )
