"""One attempt of one stage, from its inputs to what is to be recorded."""

from __future__ import annotations

import importlib
import mimetypes
import shutil
import tempfile
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from jobs.contract import Report, StageContext, StageResult
from jobs.retry import decide
from services.model import StageName
from services.outputs import OUTPUT_OF
from services.records.stages import Claim, Finish, Inputs, Outcome
from services.storage import LocalStorage, translated_disk_errors

LONGEST_TRACE = 20_000  # characters kept for operators


class StageFunction(Protocol):
    def __call__(self, context: StageContext) -> StageResult: ...


def stage_function(name: StageName) -> StageFunction:
    """`run` of `jobs/stages/NAME.py`, loaded when it is first needed."""
    function: StageFunction = importlib.import_module(f"jobs.stages.{name}").run
    return function


def run_attempt(claim: Claim, inputs: Inputs, storage: LocalStorage, report: Report) -> Finish:
    """Run a claimed stage and keep its files; every error becomes what is to be recorded of it."""
    workspace: Path | None = None
    try:
        with translated_disk_errors():
            workspace = Path(tempfile.mkdtemp(prefix=f"backlot-{claim.stage_id}-"))
        result = stage_function(claim.name)(
            StageContext(
                job_id=claim.job_id,
                video_id=claim.video_id,
                stage=claim.name,
                title=inputs.title,
                source=storage.path(inputs.source_key),
                workspace=workspace,
                outputs={name: OUTPUT_OF[name].model_validate(data) for name, data in inputs.outputs.items()},
                report=report,
            )
        )
        return _succeeded(claim, result, storage)
    except Exception as error:  # noqa: BLE001 - whatever a stage raises is recorded
        decision = decide(error, attempt=claim.attempt, max_attempts=claim.max_attempts)
        return Finish(
            stage_id=claim.stage_id,
            token=claim.token,
            outcome=decision.outcome,
            reason=decision.reason,
            delay=decision.delay,
            error=traceback.format_exc()[-LONGEST_TRACE:],
        )
    finally:
        if workspace is not None:
            shutil.rmtree(workspace, ignore_errors=True)


def _succeeded(claim: Claim, result: StageResult, storage: LocalStorage) -> Finish:
    files = []
    for file in result.files:
        ending = mimetypes.guess_extension(file.media_type) or ""
        key = f"{claim.video_id}/{claim.stage_id}-{claim.token}/{file.role}-{file.position}{ending}"
        size = storage.keep(file.path, key)
        files.append(
            {
                "role": file.role,
                "position": file.position,
                "storage_key": key,
                "media_type": file.media_type,
                "size_bytes": size,
            }
        )
    return Finish(
        stage_id=claim.stage_id,
        token=claim.token,
        outcome=Outcome.SUCCEEDED,
        data=result.output.model_dump(mode="json"),
        files=files,
        skips=result.skips,
        calls=[
            {
                "engine": call.engine,
                "model": call.model,
                "prompt_version": call.prompt_version,
                "unit": call.unit,
                "quantity": call.quantity,
                "cost": str(call.cost),
            }
            for call in result.calls
        ],
        cost=sum((call.cost for call in result.calls), Decimal(0)),
    )
