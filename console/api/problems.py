"""What the HTTP API answers where something did not work, and how its document says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.routes.answers import MEDIA_TYPE, TOLD, problem
from console.routes.body import BODY_LIMIT

log = structlog.get_logger()

SCHEMA = {"$ref": "#/components/schemas/Problem"}
BYTES = MappingProxyType({"type": "string", "format": "binary"})
TEXT = MappingProxyType({"type": "string"})
ANYTHING: Mapping[str, str] = MappingProxyType({})
EVERYWHERE = (401, 403, 422, 429, 500, 503)  # wherever a session is asked for


def problems(*statuses: int, everywhere: Iterable[int] = EVERYWHERE) -> dict[int | str, dict[str, Any]]:
    """The responses of an operation that ends in one of these, besides those that occur everywhere."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": SCHEMA}}}
        for status in sorted({*statuses, *everywhere})
    }


def raw(description: str, *media_types: str, schema: Mapping[str, str] = BYTES) -> dict[str, Any]:
    """The response of an operation that answers with something else than JSON, of one of these types."""
    return {"description": description, "content": {name: {"schema": dict(schema)} for name in media_types}}


async def answer_invalid(request: Request, error: Exception) -> Response:
    """The handler for a request that is not in the shape of its operation; what was sent is not repeated."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = [
        {"field": ".".join(map(str, one["loc"])), "problem": str(one["msg"]).encode("utf-8", "replace").decode()}
        for one in error.errors()[:20]
    ]
    log.info("request_refused", path=request.url.path, kind="RequestValidationError")
    names = ", ".join(dict.fromkeys(one["field"] for one in found))
    return problem(422, f"The request cannot be read: check {names}.", errors=found)


class SmallBodies:
    """ASGI middleware: refuses a body that is larger than any of JSON needs to be. Parts of uploads pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_part(scope):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > BODY_LIMIT:
            await problem(413, TOLD[413])(scope, receive, send)
            return
        came = 0

        async def receive_some() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > BODY_LIMIT:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_some, send)


def is_part(scope: Mapping[str, Any]) -> bool:
    """Whether a call sends a part of an upload."""
    return str(scope["method"]) == "PUT"
