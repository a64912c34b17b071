"""The settings of a command: from the environment and `.env`, and from the stack that runs on the same home."""

from __future__ import annotations

import secrets
from pathlib import Path

from pydantic import SecretStr, ValidationError

from console import state_file
from services.embedded import write_private
from services.errors import BadInput, Unavailable
from services.settings import Settings


def load() -> Settings:
    """Read the settings. Raises BadInput naming every variable that is wrong, without its value."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, part['loc'])).upper()}: {part['msg']}" for part in error.errors())
        raise BadInput(f"A setting in the environment or in .env is wrong. {wrong}") from None


def connected(settings: Settings) -> Settings:
    """The settings with the addresses and the key of the running stack where they are not set.

    Raises Unavailable, saying what to do, when one is missing.
    """
    state = state_file.read(settings.home)
    database_url = settings.database_url or (SecretStr(state.database_url) if state else None)
    redis_url = settings.redis_url or (SecretStr(state.redis_url) if state else None)
    secret_key = settings.secret_key or _kept_key(settings.home)
    missing = [
        name
        for name, value in (
            ("DATABASE_URL", database_url),
            ("REDIS_URL", redis_url),
            ("BACKLOT_SECRET_KEY", secret_key),
        )
        if value is None
    ]
    if missing and settings.embedded == "never":
        raise Unavailable(f"BACKLOT_EMBEDDED=never, so these must be set: {', '.join(missing)}.")
    if missing:
        raise Unavailable(
            f"Backlot does not run on {settings.home.resolve()}. Start it with `make run`, or set {', '.join(missing)}."
        )
    return settings.model_copy(update={"database_url": database_url, "redis_url": redis_url, "secret_key": secret_key})


def keep_key(settings: Settings) -> SecretStr:
    """The master secret: the one that is set, else the one in the home, made the first time."""
    if settings.secret_key:
        return settings.secret_key
    kept = _kept_key(settings.home)
    if kept is None:
        kept = SecretStr(secrets.token_urlsafe(48))
        write_private(_key_file(settings.home), kept.get_secret_value())
    return kept


def _kept_key(home: Path) -> SecretStr | None:
    try:
        return SecretStr(_key_file(home).read_text().strip())
    except FileNotFoundError:
        return None


def _key_file(home: Path) -> Path:
    return home.resolve() / "secret.key"
