"""Structured logs on standard error: readable lines on a terminal, JSON elsewhere, never a secret."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Callable
from types import TracebackType

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from services.settings import Settings

REDACTED = "[redacted]"
SECRET_NAMES = re.compile(r"(?i)passw|secret|token|authorization|cookie|api_?key|jwt|ticket")
SECRET_TEXTS = (
    (re.compile(r"(://[^\s:/@]*):[^\s@]+@"), rf"\1:{REDACTED}@"),  # the password of a URL
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),  # a JWT
    (re.compile(r"\bsk-[\w-]{16,}"), REDACTED),  # an OpenAI key
    (re.compile(r"\bbacklot_[\w-]{32,}"), REDACTED),  # an API token
    (re.compile(r"([?&]reset=)[^\s&\"']+"), rf"\1{REDACTED}"),  # a link that sets a password
)


def configure(settings: Settings, *, level: str | None = None) -> None:
    """Send structlog's and the standard library's events, and uncaught exceptions, through one redacting pipe."""
    readable = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    renderer: Processor = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redactor(_known_secrets(settings)),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,  # first: what nobody will read costs nothing
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level or settings.log_level)
    for name in ("uvicorn", "uvicorn.error"):  # it brings handlers of its own, which know no secrets
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # A line for each request would hold what people look for, and links that set passwords: console/figures.py counts.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it names every plug-in that it loads
    sys.excepthook = _log_crash
    threading.excepthook = lambda hook: _log_crash(hook.exc_type, hook.exc_value, hook.exc_traceback)


def redactor(secrets: frozenset[str]) -> Callable[[WrappedLogger, str, EventDict], EventDict]:
    """A structlog processor that blanks secret names, the shapes of secrets, and the given secrets themselves.

    Only texts are blanked: a stage's fencing token is a number and stays.
    """

    def redact_text(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, REDACTED)
        for shape, replacement in SECRET_TEXTS:
            text = shape.sub(replacement, text)
        return text

    def redact(value: object) -> object:
        if isinstance(value, str):
            return redact_text(value)
        if isinstance(value, dict):
            return {key: blank(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple | set):
            return [redact(item) for item in value]
        if value is None or isinstance(value, int | float):
            return value
        return redact_text(str(value))

    def blank(name: object, value: object) -> object:
        if isinstance(value, str) and SECRET_NAMES.search(str(name)):
            return REDACTED
        return redact(value)

    def process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        # Names that begin with an underscore are structlog's own, among them the record that is logged.
        return {name: value if name.startswith("_") else blank(name, value) for name, value in event.items()}

    return process


def _known_secrets(settings: Settings) -> frozenset[str]:
    secrets = (settings.secret_key, settings.previous_secret_key)
    found = {secret.get_secret_value() for secret in secrets if secret}
    for url in (settings.database_url, settings.redis_url):
        if url and (password := re.search(r"://[^:/@]*:([^@]+)@", url.get_secret_value())):
            found.add(password.group(1))
    return frozenset(secret for secret in found if len(secret) >= 8)


def _log_crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt) or error is None:
        return
    structlog.get_logger().critical("crashed", exc_info=(kind, error, trace))
