"""What a stage says about its use of an engine."""

from __future__ import annotations

from typing import Any

from jobs.contract import EngineCall
from services.engines.protocol import Answer, LanguageEngine, SpeechEngine


def engine_call(engine: SpeechEngine | LanguageEngine, answer: Answer[Any]) -> EngineCall:
    """The record of one answer of an engine, for lineage and cost."""
    return EngineCall(
        engine=engine.name,
        model=engine.model,
        prompt_version=engine.prompt_version,
        unit=answer.unit,
        quantity=answer.quantity,
        cost=answer.cost,
    )
