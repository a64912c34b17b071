"""One stage by itself, in a process of its own: `python -m bench.alone REQUEST`, answered with one line of JSON."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from bench.figures import Alone
from bench.report import Wrong
from jobs.contract import StageContext, StageResult
from jobs.pipeline import stage_function
from services.model import StageName
from services.outputs import OUTPUT_OF


def run_alone(
    stage: StageName, *, title: str, source: Path, outputs: Mapping[StageName, object], files: int, folder: Path
) -> Alone:
    """Run the stage on recorded outputs, as JSON. Raises Wrong unless it makes as many files as it did before."""
    request = folder / f"alone-{stage}.json"
    request.write_text(json.dumps({"stage": stage, "title": title, "source": str(source), "outputs": outputs}))
    done = subprocess.run(
        [sys.executable, "-m", "bench.alone", str(request)], stdout=subprocess.PIPE, check=False, text=True
    )
    if done.returncode != 0:
        raise Wrong(f"The stage {stage} failed when it ran alone.")
    told = json.loads(done.stdout.splitlines()[-1])
    if told["files"] != files:
        raise Wrong(f"The stage {stage} made {told['files']} files alone, and {files} in the product.")
    return Alone(wall_s=told["wall_s"], cpu_s=told["cpu_s"])


def main(request: Path) -> None:
    """Time starts where a worker's child starts: the pipeline is loaded, the stage and its engine are not."""
    asked = json.loads(request.read_text())
    stage = StageName(asked["stage"])
    outputs = {
        StageName(name): OUTPUT_OF[StageName(name)].model_validate(data) for name, data in asked["outputs"].items()
    }
    with tempfile.TemporaryDirectory() as workspace:
        context = StageContext(
            job_id=uuid4(),
            video_id=uuid4(),
            stage=stage,
            title=asked["title"],
            find_source=lambda: Path(asked["source"]),
            make_workspace=lambda: Path(workspace),
            outputs=outputs,
            report=lambda percent, message: None,
        )
        cpu, started = _cpu_seconds(), time.perf_counter()
        result = stage_function(stage)(context)
        if not isinstance(result, StageResult):
            raise TypeError(f"the stage {stage} is a coroutine, which waits rather than works")
        wall_s, cpu_s = time.perf_counter() - started, _cpu_seconds() - cpu
    sys.stdout.write(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "files": len(result.files)}) + "\n")


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
