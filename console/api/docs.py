"""The page of the HTTP API: Swagger UI from a package, served by us. It asks nobody else for anything."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from console.api.address import PREFIX

ADDRESS = f"{PREFIX}/docs"
NAMES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js"})
# Swagger UI writes styles into the page, and its signs are data: addresses. Scripts are files of ours alone.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Backlot · HTTP API</title>
<link rel="icon" href="/app/static/icon.svg">
<link rel="stylesheet" href="{ADDRESS}/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="{ADDRESS}/swagger-ui-bundle.js"></script>
<script src="/app/static/api_docs.js"></script>
</body>
</html>
"""

router = APIRouter()


def folder() -> Path:
    """Where the package keeps Swagger UI. Raises RuntimeError where it is not there."""
    found = sorted(Path(str(files("swagger_ui_bundle"))).glob("vendor/swagger-ui-*"))
    if not found:
        raise RuntimeError("swagger_ui_bundle holds no Swagger UI: install what requirements.txt names.")
    return found[-1]


@router.get("/docs", include_in_schema=False)
async def page() -> HTMLResponse:
    """GET /api/v1/docs."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})
