"""What stages recorded for a video, as its readers get it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from services.corrections import SEGMENT, carried_over, corrected
from services.model import StageName
from services.outputs import OUTPUT_OF, AnalysisOutput, Output, TranscriptOutput

Recorded = Mapping[str, object] | Callable[[], Mapping[str, object]]


class RecordedOutputs(Mapping[StageName, Output]):
    """Outputs, with what people corrected of the transcript where edits, which are by target, are given.

    Each is read when it is first asked for, and what is not there yet is fetched then: a transcript is long, and few
    want it.
    """

    def __init__(self, recorded: Mapping[StageName, Recorded], edits: Mapping[str, object]) -> None:
        self._recorded = recorded
        self._edits = edits
        self._read: dict[StageName, Output] = {}

    def __getitem__(self, name: StageName) -> Output:
        if name not in self._read:
            self._read[name] = self._as_read(name)
        return self._read[name]

    def _as_read(self, name: StageName) -> Output:
        output = OUTPUT_OF[name].model_validate(self._data(name))
        if isinstance(output, TranscriptOutput):
            return corrected(output, self._edits)
        if isinstance(output, AnalysisOutput) and any(target.startswith(SEGMENT) for target in self._edits):
            spoken = TranscriptOutput.model_validate(self._data(StageName.TRANSCRIBE))
            return carried_over(output, spoken, corrected(spoken, self._edits))
        return output

    def __contains__(self, name: object) -> bool:
        return name in self._recorded

    def __iter__(self) -> Iterator[StageName]:
        return iter(self._recorded)

    def __len__(self) -> int:
        return len(self._recorded)

    def _data(self, name: StageName) -> Mapping[str, object]:
        recorded = self._recorded[name]
        return recorded() if callable(recorded) else recorded
