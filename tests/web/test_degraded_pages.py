"""With a store away every address answers plainly: no trace, no address of a server, no password."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from console import api, route_table, wiring
from console.api.address import PREFIX
from services.bootstrap import Services, build
from services.database import NO_ANSWER, upgrade
from services.model import Role, User
from services.records import users
from services.revocations import MEMORY_SECONDS
from services.settings import Settings
from tests.integration.work import accept
from tests.network import Network, of_url
from tests.web.conftest import ROOT, free_port
from tests.web.streaming import Stream
from tests.web.test_gate import OPEN_ROUTES
from tests.web.test_pages_over_the_wire import page

SECRET = "a secret of degraded pages"
ADVICE = NO_ANSWER.split(".", maxsplit=1)[0]
PATIENCE = 6.0  # seconds until a page must say something


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Both servers behind networks of our own."""

    postgres: Network
    redis: Network
    database_url: str
    redis_url: str
    home: Path

    def mend(self) -> None:
        self.postgres.mend()
        self.redis.mend()

    def settings(self) -> Settings:
        return Settings(
            _env_file=None,
            home=self.home,
            DATABASE_URL=SecretStr(self.database_url),
            REDIS_URL=SecretStr(self.redis_url),
            secret_key=SecretStr(SECRET),
            disk_reserve=0,
            disk_reserve_share=0,
        )

    def secrets(self) -> set[str]:
        """What no answer may hold: passwords, addresses and names of what lies behind."""
        parts = [urlsplit(url) for url in (self.database_url, self.redis_url)]
        return {
            SECRET,
            "Traceback",
            "psycopg",
            "sqlalchemy",
            "redis.exceptions",
            *(str(part.password) for part in parts),
            *(f":{part.port}" for part in parts),
            *(f"port {part.port}" for part in parts),
        }


@pytest.fixture(scope="module")
def all_stores(postgres_url: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    upgrade(postgres_url)
    postgres, redis = of_url(postgres_url), of_url(valkey_url)
    yield Stores(
        postgres=postgres,
        redis=redis,
        database_url=postgres.url(postgres_url),
        redis_url=redis.url(valkey_url),
        home=tmp_path_factory.mktemp("home"),
    )
    postgres.close()
    redis.close()


@pytest.fixture
def stores(all_stores: Stores) -> Iterator[Stores]:
    all_stores.mend()
    yield all_stores
    all_stores.mend()


@pytest.fixture
def services(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Real services in the place of the fakes of the other tests here."""
    built = build(stores.settings())
    monkeypatch.setattr(wiring, "services", lambda: built)
    monkeypatch.setattr(wiring, "settings", lambda: built.settings)
    yield built
    built.close()


def someone(services: Services) -> User:
    name = f"degraded-{uuid4().hex[:8]}"
    with services.database.transaction() as connection:
        users.create(connection, name=name, role=Role.CREATOR, password_hash="none")
        connection.exec_driver_sql("update users set must_change_password = false where name = %s", (name,))
    return services.accounts.find(name)


def token_of(services: Services, user: User) -> str:
    """The token of a session that this process has confirmed, as that of whoever looks at a page."""
    token, _ = services.sessions.exchange(services.sessions.issue_ticket(user), address="::1", user_agent="test")
    services.sessions.verify(token)
    return token


BODIES = {
    "/api/v1/uploads": {"name": "film.mp4", "size": 5, "fingerprint": "f"},
    "/api/session": {"ticket": "some-ticket"},
    f"/api/v1/uploads/{UUID(int=7)}": {"title": "A talk"},
    f"/api/videos/{UUID(int=7)}/edits/thumbnail": {"value": 1},
    f"/api/videos/{UUID(int=7)}/clips": {"cuts": [{"position": 0, "start": 1.0, "end": 9.0, "title": "A clip"}]},
    "/api/notifications/read": {"all": True},
    "/api/v1/sessions": {"name": "somebody", "password": "a quiet morning walk"},
    "/api/v1/tokens": {"name": "a script", "days": 7},
    f"/api/v1/videos/{UUID(int=7)}/jobs": {"kind": "pipeline"},
}


def as_asked(path: str) -> str:
    """A route's path with something in the place of each of its parts."""
    path = path.replace("{form}", "srt").replace("{target}", "thumbnail").replace("{stage}", "probe")
    return re.sub(r"\{\w+(:uuid)?\}", str(UUID(int=7)), path)


ALL = sorted(
    [(method, as_asked(route.path)) for route in route_table.OWN for method in (route.methods or set()) - {"HEAD"}]
    + [
        (method.upper(), as_asked(PREFIX + path))
        for path, operations in api.openapi_document()["paths"].items()
        for method in operations
    ]
)
GUARDED = [route for route in ALL if route[1] not in OPEN_ROUTES | {"/api/v1/sessions"}]
NEEDS_NO_STORE = {"/healthz", "/readyz", "/metrics", "/api/session/use", "/api/v1/me"}  # with a session that is known
SIGN_OUT = ("DELETE", "/api/v1/sessions/current")
STREAM = ("GET", "/api/live")  # it stays open and says what is away: tests at the end


def test_every_route_is_in_the_list() -> None:
    assert {path for _, path in ALL} >= {"/api/session", f"/api/v1/uploads/{UUID(int=7)}/complete", "/healthz"}
    assert not any("{" in path for _, path in ALL)


@pytest.mark.parametrize(
    ("method", "path"), [route for route in ALL if route[1] not in NEEDS_NO_STORE and route != STREAM]
)
def test_every_route_says_plainly_that_postgres_is_away(
    client: TestClient, services: Services, stores: Stores, method: str, path: str
) -> None:
    client.cookies.set("backlot_session", token_of(services, someone(services)))
    stores.postgres.cut()
    started = time.monotonic()
    answer = client.request(method, path, params={"offset": 0} if method == "PUT" else None, json=BODIES.get(path))
    assert time.monotonic() - started < PATIENCE
    assert answer.status_code == 503
    assert answer.json()["detail"] == NO_ANSWER
    assert int(answer.headers["retry-after"]) > 0
    for secret in stores.secrets():
        assert secret not in answer.text + str(answer.headers)


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_both_stores_nobody_comes_in(
    client: TestClient, services: Services, stores: Stores, method: str, path: str
) -> None:
    """A session that cannot be checked opens nothing."""
    elsewhere = build(stores.settings())  # what another process confirmed, this one has not
    client.cookies.set("backlot_session", token_of(elsewhere, someone(elsewhere)))
    elsewhere.close()
    stores.postgres.cut()
    stores.redis.cut()
    answer = client.request(method, path)
    assert answer.status_code == 503
    assert answer.json()["detail"] == NO_ANSWER


def test_without_redis_every_route_answers_as_ever(client: TestClient, services: Services, stores: Stores) -> None:
    client.cookies.set("backlot_session", token_of(services, someone(services)))

    def answered(method: str, path: str) -> tuple[int, object]:
        answer = client.request(method, path, params={"offset": 0} if method == "PUT" else None, json=BODIES.get(path))
        body = answer.json() if answer.content else {}
        return answer.status_code, body if "detail" in body else sorted(body)

    asked = [route for route in GUARDED if route not in {STREAM, SIGN_OUT}]
    before = [answered(*route) for route in asked]
    assert {status for status, _ in before} == {200, 201, 204, 404}
    stores.redis.cut()
    time.sleep(MEMORY_SECONDS)  # until the check of the session in memory is too old
    assert [answered(*route) for route in asked] == before


def test_health_needs_neither(client: TestClient, services: Services, stores: Stores) -> None:
    stores.postgres.cut()
    stores.redis.cut()
    assert client.get("/healthz").status_code == 200


@pytest.fixture(scope="module")
def server(all_stores: Stores) -> Iterator[str]:
    """The product's own web server, started while both stores are away."""
    all_stores.postgres.cut()
    all_stores.redis.cut()
    port = free_port()
    log = all_stores.home / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "console/server.py", "--server.port", str(port)],
            cwd=ROOT,
            env=os.environ
            | {
                "DATABASE_URL": all_stores.database_url,
                "REDIS_URL": all_stores.redis_url,
                "BACKLOT_SECRET_KEY": SECRET,
                "BACKLOT_HOME": str(all_stores.home),
                "BACKLOT_EMBEDDED": "never",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=1).close()  # noqa: S310  our own http address
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
        yield address
        assert process.poll() is None
        said = log.read_text()
        assert "Traceback" not in said
        assert SECRET not in said
        for url in (all_stores.database_url, all_stores.redis_url):
            assert str(urlsplit(url).password) not in said
    finally:
        process.terminate()
        process.wait(timeout=10)


TITLE = "The film of whoever looks"


@pytest.fixture
def looker(services: Services) -> tuple[str, str]:
    """A token, and the id of a video of theirs; its title is TITLE."""
    user = someone(services)
    accepted = accept(services.database, user)
    with services.database.transaction() as connection:
        connection.exec_driver_sql("update videos set title = %s where id = %s", (TITLE, accepted.video_id))
    return token_of(services, user), str(accepted.video_id)


def test_pages_give_advice_while_postgres_is_away(
    server: str, stores: Stores, services: Services, looker: tuple[str, str]
) -> None:
    token, _ = looker
    assert TITLE in page(server, token)
    stores.postgres.cut()
    for name in ("", "video", "upload"):
        text = page(server, token, page_name=name)
        assert TITLE not in text
        for secret in stores.secrets():
            assert secret not in text
        if name == "":
            assert ADVICE in text
    stores.mend()
    assert TITLE in page(server, token)


def test_pages_show_nothing_to_a_session_that_cannot_be_checked(
    server: str, stores: Stores, services: Services, looker: tuple[str, str]
) -> None:
    token, _ = looker
    stores.postgres.cut()
    stores.redis.cut()
    for name in ("", "video", "upload"):
        started = time.monotonic()
        text = page(server, token, page_name=name)
        assert time.monotonic() - started < PATIENCE
        assert ADVICE in text
        for secret in (TITLE, "drop_zone", "sign_out", *stores.secrets()):
            assert secret not in text


def test_pages_work_without_redis(server: str, stores: Stores, services: Services, looker: tuple[str, str]) -> None:
    token, _ = looker
    stores.redis.cut()
    started = time.monotonic()
    assert TITLE in page(server, token)
    assert time.monotonic() - started < PATIENCE
    assert "drop_zone" in page(server, token, page_name="upload")


def test_the_live_stream_stays_open_and_says_what_is_away(
    server: str, stores: Stores, services: Services, looker: tuple[str, str]
) -> None:
    token, video_id = looker
    with Stream(server, token=token) as stream:
        stream.wait_for(video_id.encode())
        stores.redis.cut()
        stream.wait_for(b'"source":"slow"')
        stores.postgres.cut()
        stream.wait_for(b'"source":"away"', within=12)
        stores.mend()
        stream.wait_for(b'"source":"live"', within=20)
        assert not stream.ended
        for secret in stores.secrets():
            assert secret.encode() not in stream.raw
