"""The live stream of one job, for programs: what the hub tells browsers, until the job ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.types import Send

from console import wiring
from console.routes.live import PING, EventStream
from console.streams import PING_SECONDS, Stream
from services.live import Viewer
from services.model import UNFINISHED, StageState
from services.videos import JobView


class JobStream(EventStream):
    """Sends how one job stands, then what becomes of it."""

    def __init__(self, stream: Stream, job: JobView) -> None:
        super().__init__(stream, [job.id])
        self._job = job

    async def _send_news(self, viewer: Viewer, send: Send) -> None:
        stream, said = self._stream, _of_view(self._job)
        await self._send(send, _event("progress", said))
        while stream.ended is None and said["state"] in UNFINISHED:
            await stream.news.wait()
            stream.news.clear()
            news = [told for told in _jobs_in(viewer.take(), str(self._job.id)) if told != said]
            for said in news:
                await self._send(send, _event("progress", said))
            if not news and time.monotonic() - stream.sent_at >= PING_SECONDS:
                await self._send(send, PING)
        why = "ended" if said["state"] not in UNFINISHED else stream.ended
        last = _event("end", {"job_id": str(self._job.id), "state": said["state"], "why": why})
        await send({"type": "http.response.body", "body": last})

    def _join(self) -> Viewer:
        return wiring.services().live.join(self._stream.session.user, self._stream.wake, only=self._job.id)

    async def _send(self, send: Send, body: bytes) -> None:
        self._stream.sent_at = time.monotonic()
        await send({"type": "http.response.body", "body": body, "more_body": True})


def _of_view(job: JobView) -> dict[str, Any]:
    return {
        "job_id": str(job.id),
        "state": job.state,
        "percent": round(job.percent, 1),
        "stage": next((stage.name for stage in job.stages if stage.state is StageState.RUNNING), None),
        "message": job.message,
    }


def _of_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """A job as the hub sends it to browsers (services/live_job.py)."""
    return {
        "job_id": item["job_id"],
        "state": item["job_state"],
        "percent": item["percent"],
        "stage": next((stage["name"] for stage in item["stages"] if stage["state"] == StageState.RUNNING), None),
        "message": item["message"],
    }


def _jobs_in(events: bytes, job_id: str) -> Iterator[dict[str, Any]]:
    """What the hub's events say of one job."""
    for event in events.split(b"\n\n"):
        name, _, data = event.partition(b"\ndata: ")
        if name == b"event: snapshot":
            items = json.loads(data)["jobs"]
        elif name == b"event: job":
            items = [json.loads(data)]
        else:
            continue
        yield from (_of_item(item) for item in items if item["job_id"] == job_id)


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
