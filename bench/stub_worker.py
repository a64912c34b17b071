"""The product's ai worker with stages of the benchmarks' own: `python -m bench.stub_worker [HOST:PORT]`.

They return at once, or, with an address, what the stub API there answers with. Everything else is the product's.
"""

from __future__ import annotations

import asyncio
import json
import sys
from types import ModuleType

from jobs.contract import StageContext, StageResult
from jobs.workers.ai import main
from services.model import StageName
from services.outputs import AnalysisOutput, Output, PostsOutput, TranscriptOutput
from services.settings import Settings


async def at_once(context: StageContext) -> StageResult:
    return StageResult(output=_output(context.stage, "Nothing was asked."))


async def ask_the_api(context: StageContext) -> StageResult:
    """One call over HTTP with the transcript, as a stage of a remote engine makes it."""
    transcript = context.recorded(StageName.TRANSCRIBE, TranscriptOutput)
    body = json.dumps({"text": " ".join(segment.text for segment in transcript.segments)}).encode()
    host, _, port = sys.argv[1].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(f"The stub API answered {head[:50]!r}.")
        answer = json.loads(await reader.read())
    finally:
        writer.close()
    return StageResult(output=_output(context.stage, str(answer["text"])))


def _output(stage: StageName, text: str) -> Output:
    if stage is StageName.POSTS:
        return PostsOutput(posts=(), titles=(text,), hashtags=(), engine="stub", method="stub")
    return AnalysisOutput(
        language="en",
        summary=(text,),
        chapters=(),
        keywords=(),
        quotes=(),
        highlights=(),
        sentiment=None,
        engine="stub",
        method="stub",
    )


if __name__ == "__main__":
    for name in (StageName.ANALYZE, StageName.POSTS):
        module = ModuleType(f"jobs.stages.{name}")
        module.run = ask_the_api if len(sys.argv) > 1 else at_once  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
    main(Settings())
