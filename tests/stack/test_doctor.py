"""The doctor says what is wrong, what to do, and no secret; it is content with a machine that only needs a start."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from console.__main__ import main
from console.commands.doctor import Finding, examine
from services.embedded import start_valkey
from services.settings import Settings


def settings(home: Path, **changes: object) -> Settings:
    return Settings(_env_file=None).model_copy(
        update={
            "home": home,
            "database_url": None,
            "redis_url": None,
            "secret_key": None,
            "disk_reserve_share": 0,
            **changes,
        }
    )


def of(findings: list[Finding], subject: str) -> Finding:
    (found,) = [finding for finding in findings if finding.subject == subject]
    return found


def test_a_fresh_machine_needs_no_repair(tmp_path: Path) -> None:
    findings = list(examine(settings(tmp_path / "new", disk_reserve=1)))
    assert [finding for finding in findings if finding.advice] == []
    assert "make run" in of(findings, "Backlot").text


def test_says_which_addresses_are_missing_where_nothing_embedded_may_start(tmp_path: Path) -> None:
    findings = list(examine(settings(tmp_path, embedded="never")))
    assert "DATABASE_URL must be set" in (of(findings, "Postgres").advice or "")
    assert "REDIS_URL must be set" in (of(findings, "Redis").advice or "")
    assert "BACKLOT_SECRET_KEY" in (of(findings, "Secret key").advice or "")


def test_tells_a_store_that_answers_from_one_that_does_not(tmp_path: Path, valkey_url: str) -> None:
    dead = SecretStr("postgresql+psycopg://backlot:hidden-word@127.0.0.1:9/backlot")
    findings = list(examine(settings(tmp_path, database_url=dead, redis_url=SecretStr(valkey_url))))
    assert of(findings, "Redis").text == "answers (by REDIS_URL)"
    assert "does not answer" in of(findings, "Postgres").text
    assert "DATABASE_URL" in (of(findings, "Postgres").advice or "")
    assert "hidden-word" not in repr(findings)


def test_names_a_wrong_password_without_showing_it(tmp_path: Path) -> None:
    server = start_valkey(tmp_path / "valkey")
    try:
        host = server.url.split("@")[1]
        findings = list(examine(settings(tmp_path, redis_url=SecretStr(f"redis://:hidden-word@{host}"))))
    finally:
        server.stop()
    assert of(findings, "Redis").advice
    assert "hidden-word" not in repr(findings)


def test_a_full_disk_and_an_open_key_file_need_repair(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("x" * 32)
    (tmp_path / "secret.key").chmod(0o644)
    findings = list(examine(settings(tmp_path, disk_reserve=2**60)))
    assert "BACKLOT_HOME" in (of(findings, "Disk").advice or "")
    assert "chmod 600" in (of(findings, "Secret key").advice or "")


def test_a_key_that_is_being_replaced_is_said_and_looked_at_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("x" * 32)
    (tmp_path / "secret.key").chmod(0o644)
    found = of(list(examine(settings(tmp_path, previous_secret_key=SecretStr("the one before")))), "Secret key")
    assert found.text.endswith("BACKLOT_PREVIOUS_SECRET_KEY is accepted too")
    assert "chmod 600" in (found.advice or "")


def test_ends_with_one_when_something_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("services.logs.configure", lambda *_, **__: None)  # not for the whole test process
    monkeypatch.setenv("BACKLOT_HOME", str(tmp_path))
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BACKLOT_EMBEDDED", "never")
    assert main(["doctor"]) == 1
    assert "!!  Postgres" in capsys.readouterr().out
    monkeypatch.setenv("BACKLOT_PORT", "many")
    assert main(["doctor"]) == 1
    assert "PORT" in capsys.readouterr().err
