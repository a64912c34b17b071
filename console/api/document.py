"""The OpenAPI document of the HTTP API: in version 3.0, which Swagger UI and makers of clients read alike."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from console.api.address import PREFIX
from console.api.shapes import Problem

REFERENCES = "#/components/schemas/{model}"
DESCRIPTION = """
What the pages of Backlot do, for programs. Both call the same services: what you may see and do is the same, and so
are your limits.

- Sign in below, or make an API token on My account, and send it with every call: `Authorization: Bearer TOKEN`.
- Each call spends one request of your minute, but for the parts of an upload. The header RateLimit says how many are
  left; 429 with Retry-After says when to come back.
- Send an Idempotency-Key with what makes something, and repeat the call without fear where its answer was lost.
- What goes wrong is told as problem details (RFC 9457): detail is a sentence that says what to do.
""".strip()


def made(application: FastAPI) -> dict[str, Any]:
    """The whole document."""
    document = get_openapi(
        title=application.title,
        version=application.version,
        description=DESCRIPTION,
        routes=application.routes,
        servers=[{"url": PREFIX}],
    )
    _, problems = models_json_schema([(Problem, "serialization")], ref_template=REFERENCES)
    components = document["components"]
    components["schemas"] |= problems["$defs"]
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["security"] = [] if operation["operationId"] == "sign_in" else [{"token": []}]
    in_older_words: dict[str, Any] = _older(document)
    return {**in_older_words, "openapi": "3.0.3"}


def _older(part: Any) -> Any:
    """The same in the words of 3.0, which has no type null, no const and no names of properties."""
    if isinstance(part, list):
        return [_older(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {name: _older(value) for name, value in part.items() if name != "propertyNames"}
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    choices = kept.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        left = [choice for choice in choices if choice != {"type": "null"}]
        del kept["anyOf"]
        kept["nullable"] = True
        if len(left) > 1:
            kept["anyOf"] = left
        elif "$ref" in left[0]:
            kept["allOf"] = left
        else:
            kept |= left[0]
    return kept
