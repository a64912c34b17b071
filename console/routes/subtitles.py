"""The transcript of a video as subtitles, text or data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console import wiring
from services import subtitles
from services.errors import NotFound
from services.videos import Spoken

FORMATS: dict[str, tuple[Callable[[Spoken], str], str]] = {
    "srt": (lambda said: subtitles.to_srt(said.transcript), "application/x-subrip"),
    "vtt": (lambda said: subtitles.to_vtt(said.transcript), "text/vtt"),
    "txt": (lambda said: subtitles.to_text(said.transcript), "text/plain"),
    "json": (lambda said: subtitles.to_json(said.transcript, said.corrections), "application/json"),
}


async def transcript(request: Request) -> Response:
    """GET /api/videos/{id}/transcript.{srt,vtt,txt,json}: as people corrected it.

    With ?download=1 under the video's file name; with ?line=N that line alone.
    """
    video_id, form = request.path_params["video_id"], request.path_params["form"]
    if form not in FORMATS:
        raise NotFound("A transcript comes as srt, vtt, txt or json.")
    write, media_type = FORMATS[form]
    user, videos = request.state.session.user, wiring.services().videos
    said = await run_in_threadpool(videos.transcript, user, video_id)
    if (line := request.query_params.get("line")) is not None:
        said = _only(said, line)
    text = await run_in_threadpool(write, said)
    headers = {"Cache-Control": "private, no-cache"}
    if "download" in request.query_params:
        name = f"{PurePath(said.file_name).stem or 'transcript'}.{form}"
        headers["Content-Disposition"] = f"attachment; filename*=utf-8''{quote(name)}"
    return Response(text, headers=headers, media_type=f"{media_type}; charset=utf-8")


def _only(said: Spoken, line: str) -> Spoken:
    """One line of a transcript. Raises NotFound."""
    segments = said.transcript.segments
    if not (line.isascii() and line.isdigit() and len(line) < 10 and int(line) < len(segments)):
        raise NotFound("There is no such line in the transcript.")
    number = int(line)
    return Spoken(
        file_name=said.file_name,
        transcript=said.transcript.model_copy(update={"segments": (segments[number],)}),
        corrections={0: said.corrections[number]} if number in said.corrections else {},
    )


routes = [Route("/api/videos/{video_id:uuid}/transcript.{form}", transcript, methods=["GET"])]
