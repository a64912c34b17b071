"""One attempt of one stage, from its inputs to what is to be recorded."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import mimetypes
import shutil
import tempfile
import traceback
from collections.abc import Awaitable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from jobs.contract import Report, StageContext, StageResult
from jobs.retry import decide
from services.errors import PermanentFailure
from services.model import PLAN, StageName
from services.recorded_outputs import RecordedOutputs
from services.records.stages import Claim, Finish, Inputs, Outcome
from services.storage import LocalStorage, translated_disk_errors

LONGEST_TRACE = 20_000  # characters kept for operators


class StageFunction(Protocol):
    """`run` of `jobs/stages/NAME.py`. A coroutine function runs on the ai worker's loop, a plain one in a thread."""

    def __call__(self, context: StageContext) -> StageResult | Awaitable[StageResult]: ...


def stage_function(name: StageName) -> StageFunction:
    """Loaded when it is first needed."""
    function: StageFunction = importlib.import_module(f"jobs.stages.{name}").run
    return function


def run_attempt(claim: Claim, inputs: Inputs, storage: LocalStorage, report: Report) -> Finish:
    """Run a claimed stage and keep its files; every error becomes what is to be recorded of it."""
    try:
        with _context(claim, inputs, storage, report) as context:
            result = stage_function(claim.name)(context)
            if not isinstance(result, StageResult):
                raise TypeError(f"the stage {claim.name} is a coroutine: it belongs on the queue ai")
            return _succeeded(claim, result, storage)
    except Exception as error:  # noqa: BLE001 - whatever a stage raises is recorded
        return finish_of_error(claim, error)


async def run_attempt_on_loop(
    claim: Claim, inputs: Inputs, storage: LocalStorage, report: Report, threads: Executor
) -> Finish:
    """The same on the running loop; a plain function runs in a thread. Being cancelled records nothing."""
    loop = asyncio.get_running_loop()
    try:
        function = stage_function(claim.name)
        if not inspect.iscoroutinefunction(function):
            return await loop.run_in_executor(threads, run_attempt, claim, inputs, storage, report)
        with _context(claim, inputs, storage, report) as context:
            result = await _within_time(claim.name, function(context))
            if not result.files:
                return _succeeded(claim, result, storage)
            return await loop.run_in_executor(threads, _succeeded, claim, result, storage)
    except Exception as error:  # noqa: BLE001 - whatever a stage raises is recorded
        return finish_of_error(claim, error)


def took_too_long(name: StageName) -> PermanentFailure:
    return PermanentFailure(f"It took longer than {PLAN[name].timeout / 60:.0f} min and was stopped.")


async def _within_time(name: StageName, work: Awaitable[StageResult]) -> StageResult:
    limit = asyncio.timeout(PLAN[name].timeout)
    try:
        async with limit:
            return await work
    except TimeoutError as error:
        if limit.expired():
            raise took_too_long(name) from error
        raise


@contextmanager
def _context(claim: Claim, inputs: Inputs, storage: LocalStorage, report: Report) -> Iterator[StageContext]:
    """What the stage gets; its workspace, if it asked for one, is gone afterwards."""
    made: list[Path] = []

    def make_workspace() -> Path:
        with translated_disk_errors():
            made.append(Path(tempfile.mkdtemp(prefix=f"backlot-{claim.stage_id}-")))
        return made[0]

    try:
        yield StageContext(
            job_id=claim.job_id,
            video_id=claim.video_id,
            stage=claim.name,
            title=inputs.title,
            find_source=lambda: storage.path(inputs.source_key),
            make_workspace=make_workspace,
            outputs=RecordedOutputs(inputs.outputs, inputs.edits),
            report=report,
            options=inputs.options,
        )
    finally:
        for workspace in made:
            shutil.rmtree(workspace, ignore_errors=True)


def finish_of_error(claim: Claim, error: BaseException) -> Finish:
    """What is to be recorded of an attempt that ended so."""
    decision = decide(error, attempt=claim.attempt, max_attempts=claim.max_attempts)
    return Finish(
        stage_id=claim.stage_id,
        token=claim.token,
        outcome=decision.outcome,
        reason=decision.reason,
        delay=decision.delay,
        error="".join(traceback.format_exception(error))[-LONGEST_TRACE:],
    )


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
