"""Every setting of the product, read once from the environment and `.env`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """Frozen; built once in the composition root. Durations are seconds, sizes are bytes.

    `DATABASE_URL` and `REDIS_URL` carry their usual names, every other variable the prefix `BACKLOT_`.
    """

    model_config = SettingsConfigDict(
        env_prefix="BACKLOT_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Path(".local")
    embedded: Literal["auto", "never"] = "auto"
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    secret_key: SecretStr | None = None
    previous_secret_key: SecretStr | None = None

    host: str = "127.0.0.1"
    port: int = 8501
    secure_cookies: bool = False

    media_workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=0)
    ai_workers: int = Field(default=1, ge=0)
    ai_slots: int = Field(default=500, ge=1)
    media_cap_per_user: int = Field(default=4, ge=1)
    ai_cap_per_user: int = Field(default=100, ge=1)
    lease: float = Field(default=15.0, ge=4)
    beat: float = Field(default=1.5, gt=0)
    sweep: float = Field(default=15.0, gt=0)
    worker_memory_limit: int = 1000 * MEBIBYTE

    upload_size_limit: int = 10 * 1024 * MEBIBYTE
    upload_part_size: int = 64 * MEBIBYTE
    disk_reserve: int = 1024 * MEBIBYTE
    disk_reserve_share: float = Field(default=0.1, ge=0, lt=1)
    backlog_limit: int = Field(default=5000, ge=1)
    uploads_per_day: int = Field(default=50, ge=1)
    jobs_per_hour: int = Field(default=10, ge=1)
    requests_per_minute: int = Field(default=100, ge=1)

    session_idle: float = 1800.0
    session_absolute: float = 12 * 3600.0

    log_level: str = "INFO"
    log_format: Literal["auto", "json", "console"] = "auto"

    @property
    def storage_folder(self) -> Path:
        """Where uploads and outputs are kept."""
        return self.home.resolve() / "storage"
