"""The stages of a chaos run: what the title says, or the product's own where it says "real"."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import os
import random
import secrets
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import ModuleType

from jobs.contract import ProducedFile, StageContext, StageResult
from services.errors import PermanentFailure, TransientFailure
from services.model import StageName
from services.outputs import Clip, ClipsOutput, Output, Thumbnail, ThumbnailsOutput
from tests.chaos.recipe import content_of, recipe_of
from tests.virtual_worker import OUTPUTS

API = "CHAOS_API"  # the environment variable with the address of the stub
API_PATIENCE = 1.0  # seconds
REPORT_EVERY = 0.02
OWN = Path(__file__).parents[2] / "jobs" / "stages"
POISONED = StageName.CLIPS
ASKING = (StageName.ANALYZE, StageName.POSTS)
NONCE_FIELD = {
    StageName.PROBE: "container",
    StageName.TRANSCRIBE: "model",
    StageName.ANALYZE: "method",
    StageName.POSTS: "method",
}

chance = random.SystemRandom()  # a forked child would repeat what its brothers drew


def take_the_place_of_stages() -> None:
    """Put these stages where the product imports its own from."""
    for name in StageName:
        if not (OWN / f"{name}.py").exists():
            raise LookupError(f"the product has no stage {name} to take the place of")
        module = ModuleType(f"jobs.stages.{name}")
        module.run = run  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module


def run(context: StageContext) -> StageResult:
    """A virtual stage, or the real one. Raises what the product's own stages raise."""
    recipe = recipe_of(context.title)
    if not recipe.is_virtual:
        return real(context)
    seconds = chance.uniform(recipe.shortest, recipe.longest) / 1000
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        context.report(100 * (1 - left / seconds), "Working")
        time.sleep(REPORT_EVERY)
    if recipe.kind == "api" and context.stage in ASKING:
        ask()
    if recipe.kind == "poison" and context.stage is POISONED:
        os.kill(os.getpid(), signal.SIGKILL)
    nonce = f"nonce-{secrets.token_hex(16)}"
    made = context.workspace / "made"
    made.write_bytes(content_of(nonce))
    file = ProducedFile(path=made, role=f"made_{context.stage}", position=0, media_type="application/octet-stream")
    return StageResult(output=named(context.stage, nonce), files=(file,))


def real(context: StageContext) -> StageResult:
    """What the product itself would do."""
    name = f"own_stage_{context.stage}"
    if name not in sys.modules:
        place = importlib.util.spec_from_file_location(name, OWN / f"{context.stage}.py")
        if place is None or place.loader is None:
            raise LookupError(f"the product's stage {context.stage} cannot be loaded")
        module = importlib.util.module_from_spec(place)
        place.loader.exec_module(module)
        sys.modules[name] = module
    result = sys.modules[name].run(context)
    done: StageResult = asyncio.run(result) if inspect.iscoroutine(result) else result
    return done


def named(stage: StageName, nonce: str) -> Output:
    """An output of the stage's own shape that names the nonce of its file."""
    if stage is StageName.THUMBNAILS:
        picture = Thumbnail(position=0, at=0, width=1, height=1, sharpness=1, picked=True, reason=nonce)
        return ThumbnailsOutput(thumbnails=(picture,), scene_cuts=())
    if stage is StageName.CLIPS:
        return ClipsOutput(clips=(Clip(position=0, start=0, end=1, title=nonce, text="", score=1, factors=()),))
    return OUTPUTS[stage].model_copy(update={NONCE_FIELD[stage]: nonce})


def ask() -> None:
    """Ask the stub, and understand its answer as an engine would."""
    try:
        with urllib.request.urlopen(os.environ[API], timeout=API_PATIENCE) as answer:  # noqa: S310  our own address
            json.load(answer)
    except urllib.error.HTTPError as error:
        wait = error.headers.get("Retry-After")
        error.close()
        if error.code == 429 or error.code >= 500:
            raise TransientFailure("The AI service is busy.", retry_after=float(wait) if wait else None) from error
        raise PermanentFailure("The AI service refuses this video.") from error
    except OSError as error:
        raise TransientFailure("The AI service does not answer.") from error
    except ValueError as error:
        raise TransientFailure("The AI service answered with something else.") from error
