"""The small JSON bodies that routes read."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.errors import BadInput

BODY_LIMIT = 64 * 1024

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, shape: type[Body]) -> Body:
    """The request's JSON body in this shape, at most 64 KiB. Raises BadInput, and 413 for more."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_LIMIT:
            raise HTTPException(413)
    try:
        return shape.model_validate_json(bytes(data))
    except ValidationError as error:
        fields = ", ".join(sorted({str(part["loc"][0]) for part in error.errors() if part["loc"]})) or "the body"
        raise BadInput(f"The request cannot be read: check {fields}.") from error
