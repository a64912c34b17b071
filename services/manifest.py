"""What lies beside files that leave the house: how they were made, and the analysis to read. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from services.engines.wording import clock
from services.lineage import Lineage, MadeOutput
from services.outputs import AnalysisOutput
from services.videos import VideoDetail

TIME = "%Y-%m-%d %H:%M:%S UTC"
CAVEAT = (
    "Speech was recognised by a machine: names and figures can be wrong where nobody corrected them.\n"
    "transcript.json says of each word how sure the model was, and what was recognised in corrected lines."
)


def money(cost: Decimal) -> str:
    """The exact sum in US dollars."""
    return "free" if not cost else f"${cost.normalize():f}"


def manifest(detail: VideoDetail, lineage: Lineage, files: Sequence[tuple[str, int]]) -> str:
    """README.txt of an archive: what is in it, and how each part was made. files are (name, bytes)."""
    video = detail.video
    lines = [
        video.title,
        "=" * min(len(video.title), 100),
        "",
        f"Uploaded by {video.owner} on {video.created_at.strftime(TIME)} as {video.file_name}",
        *((f"Tags: {', '.join(video.tags)}",) if video.tags else ()),
        f"Video {video.id}",
        "",
        "Files",
        "-----",
        *(f"{name}  ({size:,} bytes)" for name, size in files),
        "",
        "How it was made",
        "---------------",
        *(line for output in lineage.outputs if not output.superseded for line in _made(output)),
        f"All work on this video, also what was made again since: {money(lineage.cost)}",
    ]
    standing = [edit for edit in lineage.edits if not edit.superseded]
    if standing:
        lines += ["", "Changed by people", "-----------------"]
        lines += [
            f"{edit.at.strftime(TIME)}  {edit.editor}: {edit.target}{' (taken back)' if edit.taken_back else ''}"
            for edit in standing
        ]
    return "\n".join([*lines, "", CAVEAT, ""])


def _made(output: MadeOutput) -> Iterator[str]:
    yield (
        f"{output.stage}: started {output.started_at.strftime(TIME)}, took {output.took:.1f} s, "
        f"attempts {output.attempts}, cost {money(output.cost)}, asked for by {output.asked_by or 'the system'}"
    )
    for use in output.uses:
        prompt = f", prompt {use.prompt_version}" if use.prompt_version else ""
        amount = f"{use.quantity:,.0f} {use.unit.replace('_', ' ')}"
        yield f"    {use.engine} {use.model}{prompt}: {amount}, {money(use.cost)}"


def analysis_as_markdown(title: str, analysis: AnalysisOutput) -> str:
    """Summary, chapters, quotes and keywords under the video's title."""
    sections = [f"# {title}", "## Summary", "\n".join(analysis.summary)]
    if analysis.chapters:
        sections += ["## Chapters", "\n".join(f"- {clock(one.start)} {one.title}" for one in analysis.chapters)]
    if analysis.quotes:
        sections += ["## Quotes", "\n\n".join(f"> {one.text} ({clock(one.start)})" for one in analysis.quotes)]
    if analysis.keywords:
        sections += ["## Keywords", ", ".join(one.text for one in analysis.keywords)]
    return "\n\n".join([*sections, f"Method: {analysis.method} ({analysis.engine})."]) + "\n"
