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
from services.outputs import TranscriptOutput

FORMATS: dict[str, tuple[Callable[[TranscriptOutput], str], str]] = {
    "srt": (subtitles.to_srt, "application/x-subrip"),
    "vtt": (subtitles.to_vtt, "text/vtt"),
    "txt": (subtitles.to_text, "text/plain"),
    "json": (subtitles.to_json, "application/json"),
}


async def transcript(request: Request) -> Response:
    """GET /api/videos/{id}/transcript.{srt,vtt,txt,json}; with ?download=1 under the video's file name."""
    video_id, form = request.path_params["video_id"], request.path_params["form"]
    if form not in FORMATS:
        raise NotFound("A transcript comes as srt, vtt, txt or json.")
    write, media_type = FORMATS[form]
    user, videos = request.state.session.user, wiring.services().videos
    file_name, said = await run_in_threadpool(videos.transcript, user, video_id)
    text = await run_in_threadpool(write, said)
    headers = {"Cache-Control": "private, no-cache"}
    if "download" in request.query_params:
        name = f"{PurePath(file_name).stem or 'transcript'}.{form}"
        headers["Content-Disposition"] = f"attachment; filename*=utf-8''{quote(name)}"
    return Response(text, headers=headers, media_type=f"{media_type}; charset=utf-8")


routes = [Route("/api/videos/{video_id:uuid}/transcript.{form}", transcript, methods=["GET"])]
