"""Logs: JSON away from a terminal, and no secret in events, exception texts or other people's loggers."""

from __future__ import annotations

import json
import subprocess
import sys

WRITER = """
import logging, structlog
from pydantic import SecretStr
from services import logs
from services.settings import Settings
keys = {"secret_key": "master-secret-0123456789", "previous_secret_key": "former-secret-0123456789"}
settings = Settings(log_level="INFO").model_copy(update={name: SecretStr(key) for name, key in keys.items()})
logs.configure(settings)
log = structlog.get_logger()
log.info("signed_in", user="ann", password="hunter2!", token=17, url="redis://:s3cr3t-pass@h:1/0")
logging.getLogger("vendor").warning("calling %s", "postgresql://u:s3cr3t-pass@h/db")
try:
    raise ValueError("bad cookie eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl with " + " or ".join(keys.values()))
except ValueError:
    log.exception("refused", extra={"api_key": "sk-abcdefghijklmnop"})
logging.getLogger("uvicorn.access").info('GET /?reset=a-link-that-sets-a-password HTTP/1.1')
logging.getLogger("vendor").warning("went to /?reset=a-link-that-sets&x with backlot_" + "k" * 40)
raise RuntimeError("redis://:s3cr3t-pass@h:1/0 went away")
"""


def test_events_are_json_and_hold_no_secret() -> None:
    done = subprocess.run([sys.executable, "-c", WRITER], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    secrets = (
        "hunter2!",
        "s3cr3t-pass",
        "eyJhbGci",
        "master-secret",
        "former-secret",
        "sk-abcdef",
        "a-link-that",
        "kkkk",
    )
    for secret in secrets:
        assert secret not in done.stderr
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["event"] for event in events] == [
        "signed_in",
        "calling postgresql://u:[redacted]@h/db",
        "refused",
        "went to /?reset=[redacted]&x with [redacted]",
        "crashed",
    ]
    assert events[0] | {"timestamp": ""} == {
        "event": "signed_in",
        "level": "info",
        "timestamp": "",
        "user": "ann",
        "password": "[redacted]",
        "token": 17,
        "url": "redis://:[redacted]@h:1/0",
    }
    assert "ValueError" in events[2]["exception"]
    assert "RuntimeError" in events[4]["exception"]
