"""Where the HTTP API lies."""

from __future__ import annotations

PREFIX = "/api/v1"
