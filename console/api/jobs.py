"""Jobs: submitted, looked at, cancelled, retried, and followed until they end."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console import wiring
from console.api.address import PREFIX
from console.api.asking import Caller, TheirSession, token_of
from console.api.problems import ANYTHING, problems, raw
from console.api.progress import JobStream
from console.api.shapes import JobAccepted, JobAsked, JobTold
from console.api.uploads import IdempotencyKey
from console.streams import STREAMS

# Version 3.0 has no words for the events of a stream.
EVENTS = raw("Server-sent events.", "text/event-stream", schema=ANYTHING)

router = APIRouter(tags=["Jobs"])


@router.post(
    "/videos/{video_id:uuid}/jobs",
    status_code=202,
    response_model=JobAccepted,
    responses=problems(400, 404, 409, 413),
    operation_id="submit_job",
    summary="Submit a job",
)
def submit(user: Caller, video_id: UUID, body: JobAsked, idempotency_key: IdempotencyKey = None) -> Response:
    """Processes a video again: the whole pipeline, or one kind of it. Beyond the hour's limit it starts later."""
    cuts = None if body.cuts is None else [cut.model_dump(mode="json") for cut in body.cuts]
    job_id = wiring.services().operations.submit(
        user, video_id, body.kind, options=None if cuts is None else {"cuts": cuts}, key=idempotency_key
    )
    told = JobAccepted(job_id=job_id).model_dump(mode="json")
    return JSONResponse(told, status_code=202, headers={"Location": f"{PREFIX}/jobs/{job_id}"})


@router.get("/jobs/{job_id:uuid}", responses=problems(404), operation_id="read_job", summary="One job")
def one(user: Caller, job_id: UUID) -> JobTold:
    """How it stands, stage by stage."""
    return JobTold.model_validate(wiring.services().operations.job(user, job_id))


@router.post(
    "/jobs/{job_id:uuid}/cancel", responses=problems(404, 409), operation_id="cancel_job", summary="Cancel a job"
)
def cancel(user: Caller, job_id: UUID) -> JobTold:
    """Stops what is unfinished. What was made so far stays."""
    operations = wiring.services().operations
    operations.cancel(user, job_id, reason="Cancelled over the API.")
    return JobTold.model_validate(operations.job(user, job_id))


@router.post(
    "/jobs/{job_id:uuid}/retry", responses=problems(400, 404, 409), operation_id="retry_job", summary="Retry a job"
)
def retry(user: Caller, job_id: UUID) -> JobTold:
    """Runs again what failed or was cancelled. What succeeded is kept."""
    operations = wiring.services().operations
    operations.retry(user, job_id, reason="Retried over the API.")
    return JobTold.model_validate(operations.job(user, job_id))


@router.get(
    "/jobs/{job_id:uuid}/progress",
    response_class=Response,
    responses={200: EVENTS, **problems(404)},
    operation_id="follow_job",
    summary="Follow a job until it ends",
)
async def progress(request: Request, session: TheirSession, job_id: UUID) -> Response:
    """Events `progress`, each with JSON of job_id, state, percent, stage and message; at last one `end`.

    `why` of `end` is `ended` once the job has; `session` or `restart` where only the stream has: come again.
    """
    job = await run_in_threadpool(wiring.services().operations.job, session.user, job_id)
    return JobStream(STREAMS.open(session, token_of(request)), job)
