"""Videos: the library page by page, one whole, what its stages recorded, its transcript and its files."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from console import wiring
from console.api.asking import Caller
from console.api.problems import TEXT, problems, raw
from console.api.shapes import FileTold, JobTold, VideosAsked, VideosTold, VideoTold, WholeVideo
from console.routes import media, subtitles
from services.errors import BadInput, NotFound
from services.library import Place
from services.library import Query as Wanted
from services.model import StageName
from services.outputs import (
    AnalysisOutput,
    ClipsOutput,
    Output,
    PostsOutput,
    ProbeOutput,
    ThumbnailsOutput,
    TranscriptOutput,
)
from services.videos import VideoDetail

TEXTS = {form: media_type for form, (_, media_type) in subtitles.FORMATS.items() if form != "json"}
TYPES = ("application/octet-stream", *sorted(media.SHOWN_IN_PLACE))
FORMS = "^(" + "|".join(TEXTS) + ")$"

ByteRange = Annotated[str | None, Header(alias="Range", description="bytes=FIRST-LAST")]

router = APIRouter(tags=["Videos"])


@router.get("/videos", responses=problems(400), operation_id="list_videos", summary="Find videos")
def find(user: Caller, asked: Annotated[VideosAsked, Query()]) -> VideosTold:
    """A page of the videos that I may see."""
    place = None if asked.place is None else Place.read(asked.place, asked.sort)
    if asked.place is not None and place is None:
        raise BadInput("This place belongs to no page of this order. Begin without it.")
    query = Wanted(
        text=asked.text,
        states=tuple(dict.fromkeys(asked.state)),
        owner=(asked.owner or "").strip().lower() or None,
        tags=tuple(asked.tag),
        length=asked.length,
        uploaded_from=asked.uploaded_from,
        uploaded_to=asked.uploaded_to,
        sort=asked.sort,
        place=place,
        limit=asked.limit,
    )
    page = wiring.services().library.search(user, query)
    return VideosTold(
        videos=[VideoTold.model_validate(row) for row in page.rows],
        next=page.next.as_text() if page.next else None,
        previous=page.previous.as_text() if page.previous else None,
        counts={state.value: count for state, count in page.counts.items()},
    )


@router.get("/videos/{video_id:uuid}", responses=problems(404), operation_id="read_video", summary="One video")
def one(user: Caller, video_id: UUID) -> WholeVideo:
    """With its jobs, what is recorded of it, and its files."""
    detail = wiring.services().videos.get(user, video_id)
    return WholeVideo(
        **VideoTold.model_validate(detail.video).model_dump(),
        language=detail.language,
        jobs=[JobTold.model_validate(job) for job in detail.jobs],
        outputs=list(detail.outputs),
        files=[FileTold.model_validate(file) for file in detail.files],
    )


@router.get(
    "/videos/{video_id:uuid}/outputs/{stage}",
    response_model=ProbeOutput | TranscriptOutput | AnalysisOutput | ThumbnailsOutput | ClipsOutput | PostsOutput,
    responses=problems(404),
    operation_id="read_output",
    summary="What a stage recorded",
)
def output(user: Caller, video_id: UUID, stage: StageName) -> Response:
    """The newest, with what people corrected of the transcript and of posts."""
    videos = wiring.services().videos
    if stage is StageName.TRANSCRIBE:
        return _as_json(videos.transcript(user, video_id).transcript)
    detail = videos.get(user, video_id)
    recorded = detail.outputs.get(stage)
    if recorded is None:
        raise NotFound(f"This video has no output of {stage} yet.")
    return _as_json(_as_edited(recorded, detail))


@router.get(
    "/videos/{video_id:uuid}/transcript.{form}",
    response_class=Response,
    responses={
        200: raw("The transcript.", *TEXTS.values(), schema=TEXT),
        **problems(404),
    },
    operation_id="read_transcript",
    summary="The transcript as subtitles or text",
)
async def transcript(
    request: Request,
    video_id: UUID,
    form: Annotated[str, Path(pattern=FORMS)],
) -> Response:
    """As people corrected it."""
    return await subtitles.transcript(request)


@router.get(
    "/files/{file_id:uuid}",
    response_class=Response,
    responses={
        200: raw("The whole file.", *TYPES),
        206: raw("A range of it.", *TYPES),
        304: {"description": "You have it already."},
        **problems(400, 404, 416),
    },
    operation_id="read_file",
    summary="A file",
)
async def file(request: Request, file_id: UUID, _: ByteRange = None) -> Response:
    """The file, or the `Range` of it that is asked for."""
    return await media.file(request)


@router.head("/files/{file_id:uuid}", include_in_schema=False)
async def file_headers(request: Request, file_id: UUID) -> Response:
    """What GET would say before the file."""
    return await media.file(request)


def _as_edited(recorded: Output, detail: VideoDetail) -> Output:
    if not isinstance(recorded, PostsOutput):
        return recorded
    posts = tuple(post.model_copy(update={"parts": detail.parts(post)}) for post in recorded.posts)
    return recorded.model_copy(update={"posts": posts})


def _as_json(recorded: Output) -> Response:
    """Written straight from its shape: a transcript of an hour is long."""
    return Response(recorded.model_dump_json(), media_type="application/json")
