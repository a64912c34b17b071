"""`pause`, `resume`, `submit` of several files, and what `status` and `doctor` say of queues and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from console.__main__ import main
from services.bootstrap import Services, build
from services.database import upgrade
from services.errors import NotFound
from services.model import Priority, QueueName, Role
from services.settings import Settings
from tests.films import film_of

OPERATOR = "queue-commands-operator"
CREATOR = "queue-commands-creator"


@pytest.fixture
def services(postgres_url: str, valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """On the stores that the commands are pointed at; no queue is paused and nothing is on record."""
    monkeypatch.chdir(tmp_path)  # away from anybody's .env
    monkeypatch.setattr("services.logs.configure", lambda *_, **__: None)  # not for the whole test process
    for name, value in {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": valkey_url,
        "BACKLOT_SECRET_KEY": "a secret of the tests",
        "BACKLOT_HOME": str(tmp_path),
        "BACKLOT_DISK_RESERVE": "0",
        "BACKLOT_DISK_RESERVE_SHARE": "0",
    }.items():
        monkeypatch.setenv(name, value)
    upgrade(postgres_url)
    services = build(
        Settings(
            _env_file=None,
            home=tmp_path,
            DATABASE_URL=SecretStr(postgres_url),
            REDIS_URL=SecretStr(valkey_url),
            secret_key=SecretStr("a secret of the tests"),
        )
    )
    for name, role in ((OPERATOR, Role.OPERATOR), (CREATOR, Role.CREATOR)):
        try:
            services.accounts.find(name)
        except NotFound:
            services.accounts.create_user(name, role)
    services.accounts.ensure_first_admin()  # who looks when the terminal names nobody
    forget(services)
    yield services
    forget(services)
    services.close()


def forget(services: Services) -> None:
    with services.database.transaction() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(
            text("truncate videos, uploads, jobs, stages, attempts, outputs, files, events, quota_uses cascade")
        )
        connection.execute(text("update queues set paused = false"))


class Said:
    """What a command said and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str]:
        self._capsys.readouterr()
        code = main(list(words))
        said = self._capsys.readouterr()
        return code, said.out + said.err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


def files(folder: Path, count: int) -> list[str]:
    made = []
    for number in range(count):
        path = folder / f"talk-{number}.mp4"
        path.write_bytes(film_of(f"0123456789 {number}".encode()))
        made.append(str(path))
    return made


def priorities(services: Services) -> list[int]:
    with services.database.statement() as connection:
        return list(connection.execute(text("select priority from jobs order by created_at")).scalars())


@pytest.mark.usefixtures("services")
def test_a_paused_queue_is_shown_with_its_reason_until_it_is_resumed(run: Said) -> None:
    assert "PAUSED" not in run("status")[1]
    code, said = run("pause", "media", "--reason", "the status of a disk", "--as", OPERATOR)
    assert code == 0
    assert "python -m console resume media" in said
    lines = run("status")[1].splitlines()
    (line,) = [line for line in lines if line.startswith("Queue media")]
    assert "0 stages ready, 0 running; PAUSED since 20" in line
    assert line.endswith(f"by {OPERATOR}: the status of a disk")
    assert "Queue ai: 0 stages ready, 0 running" in lines

    code, said = run("pause", "media", "--reason", "again", "--as", OPERATOR)
    assert (code, "paused already" in said) == (1, True)
    assert run("resume", "media", "--as", OPERATOR) == (0, "The queue media goes on.\n")
    assert "PAUSED" not in run("status")[1]
    assert run("resume", "media", "--as", OPERATOR)[0] == 1


def test_a_kind_runs_again_on_many_videos_as_bulk(run: Said, services: Services, tmp_path: Path) -> None:
    run("submit", *files(tmp_path, 2), "--as", OPERATOR)
    with services.database.statement() as connection:
        ids = [str(found) for found in connection.execute(text("select id from videos")).scalars()]
    code, said = run("again", "thumbnails", *ids, "--as", OPERATOR)
    assert (code, "2 accepted, 0 refused." in said) == (0, True)
    code, said = run("again", "thumbnails", *ids, "--as", CREATOR)
    assert (code, said.count("There is no such video")) == (1, 2)
    with services.database.statement() as connection:
        kinds = connection.execute(text("select kind, priority from jobs where kind = 'thumbnails'")).all()
    assert kinds == [("thumbnails", Priority.BULK)] * 2


@pytest.mark.usefixtures("services")
def test_a_creator_may_not_pause(run: Said) -> None:
    code, said = run("pause", "ai", "--reason", "mine first", "--as", CREATOR)
    assert (code, "Ask an operator" in said) == (1, True)
    assert "PAUSED" not in run("status")[1]


def test_resume_says_when_nobody_could_be_rung(run: Said, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    services.operations.pause(services.accounts.find(OPERATOR), QueueName.MEDIA, reason="x")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    code, said = run("resume", "media", "--as", OPERATOR)
    assert (code, "Redis does not answer" in said) == (0, True)


def test_refused_messages_of_a_day_are_shown_with_what_to_do(run: Said, services: Services) -> None:
    assert "Messages on Redis" not in run("status")[1]
    assert "none refused in the last 24 h" in run("doctor")[1]
    services.operations.note_refused_messages("media-1", 3)
    services.operations.note_refused_messages("ai-1", 4)
    with services.database.transaction() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(
            text(
                "insert into events (at, actor, action, details)"
                " values (now() - interval '25 hours', 'worker:media-1', 'messages refused', '{\"count\": 100}')"
            )
        )
        told = connection.execute(text("select actor, action, details from events order by id limit 1")).one()
    assert tuple(told) == ("worker:media-1", "messages refused", {"count": 3})
    status = run("status")[1]
    assert "Messages on Redis that workers refused in the last 24 h: 7." in status
    assert "Who can write to your Redis? Change its password" in status
    code, doctor = run("doctor")
    assert code == 1
    assert "!!  Messages     7 refused in the last 24 h" in doctor
    assert "Change its password" in doctor


def test_status_says_that_uploads_are_refused_and_submit_that_it_was(
    run: Said, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = files(tmp_path, 3)
    assert run("submit", first, second, "--as", CREATOR)[0] == 0
    assert "New uploads are refused" not in run("status")[1]
    monkeypatch.setenv("BACKLOT_BACKLOG_LIMIT", "1")
    assert "New uploads are refused" in run("status")[1]
    code, said = run("submit", third, "--as", CREATOR)
    assert code == 1
    assert "talk-2.mp4: More than 1 steps" in said
    assert len(priorities(services)) == 2


def test_several_files_are_bulk_and_one_is_not(run: Said, services: Services, tmp_path: Path) -> None:
    one, *many = files(tmp_path, 4)
    assert run("submit", one, "--title", "A talk", "--as", CREATOR)[0] == 0
    empty = tmp_path / "empty.mp4"
    empty.touch()
    code, said = run("submit", *many, str(empty), "--as", CREATOR)
    assert code == 1  # the rest is accepted all the same
    assert said.count("Accepted: ") == 3
    assert "empty.mp4: This file is empty" in said
    assert priorities(services) == [Priority.INTERACTIVE] + [Priority.BULK] * 3
    code, said = run("submit", *many, "--title", "All of them", "--as", CREATOR)
    assert (code, "--title names one video" in said) == (1, True)
    assert len(priorities(services)) == 4
