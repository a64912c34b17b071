"""The product's own door on real stores, served on a loopback port, and two people who each have one of everything."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from console import wiring
from console.gate import Gate
from console.route_table import ROUTES
from console.routes.answers import answer_crash, answer_error, answer_http
from services.bootstrap import Services, build
from services.errors import BacklotError, NotFound
from services.model import Role, User
from services.settings import Settings
from tests.films import film_of
from tests.integration.conftest import migrated_url
from tests.integration.recorded import Made, make
from tests.integration.work import clear_work
from tests.web.made import all_outputs
from tests.web.serving import free_port

__all__ = ["migrated_url"]

PASSWORD = "a quiet morning walk"
FILE = b"0123456789" * 100  # stands for a film: nobody plays it
PLENTY = 1_000_000
MARK = "SECRET-OF-BO"


@dataclass(frozen=True, kw_only=True)
class Product:
    """address is that of the API, without a slash at its end."""

    address: str
    services: Services

    def person(self, name: str, role: Role = Role.CREATOR) -> User:
        """Somebody who has chosen PASSWORD; the name gets an ending of its own."""
        accounts, name = self.services.accounts, f"{name}-{uuid4().hex[:8]}"
        one_time = accounts.create_user(name, role)
        accounts.change_password(accounts.find(name), one_time, PASSWORD)
        return accounts.find(name)

    def token(self, user: User) -> str:
        return self.services.sessions.open(user, address="127.0.0.1", user_agent="test")[0]

    def caller(self, user: User) -> httpx.Client:
        return httpx.Client(base_url=self.address, headers={"Authorization": f"Bearer {self.token(user)}"}, timeout=20)


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """One of each thing that an address may name. job has ended, open_job is that of other_video and is queued."""

    user: User
    video: UUID
    file: UUID
    job: UUID
    open_job: UUID
    other_video: UUID
    upload: UUID
    token: UUID

    def ids(self) -> dict[str, UUID]:
        """By the names of parameters of addresses."""
        return {
            "video_id": self.video,
            "file_id": self.file,
            "job_id": self.job,
            "upload_id": self.upload,
            "token_id": self.token,
        }

    def all_ids(self) -> set[str]:
        return {str(one) for one in (*self.ids().values(), self.open_job, self.other_video)}


@dataclass(frozen=True, kw_only=True)
class People:
    """ana asks; every text of bo's begins with MARK."""

    product: Product
    ana: Belongings
    bo: Belongings

    def secrets(self) -> set[str]:
        """What nothing that ana is told may hold, in small letters."""
        return {word.lower() for word in (MARK, self.bo.user.name, *self.bo.all_ids())}


@pytest.fixture(scope="module")
def people(product: Product) -> People:
    bo, ana = belongings(product, "bo", mark=MARK), belongings(product, "ana", mark="ana")
    return People(product=product, ana=ana, bo=bo)


@pytest.fixture(scope="module")
def product(migrated_url: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with served(settings_of(migrated_url, valkey_url, tmp_path_factory.mktemp("home"))) as running:
        clear_work(running.services.database)
        yield running


def settings_of(database_url: str, redis_url: str, home: Path, **changes: int) -> Settings:
    return Settings(
        _env_file=None,
        home=home,
        DATABASE_URL=SecretStr(database_url),
        REDIS_URL=SecretStr(redis_url),
        secret_key=SecretStr("a secret of the tests of the API"),
        disk_reserve=0,
        disk_reserve_share=0,
        **{"requests_per_minute": PLENTY, "jobs_per_hour": PLENTY, "uploads_per_day": PLENTY, **changes},
    )


@contextmanager
def served(settings: Settings) -> Iterator[Product]:
    """Gate, routes and API on services of these settings, as console/server.py has them, without the pages."""
    services = build(settings)
    services.listen()
    application = Starlette(
        routes=list(ROUTES),
        middleware=[Middleware(Gate), Middleware(GZipMiddleware, minimum_size=500)],
        exception_handlers={BacklotError: answer_error, HTTPException: answer_http, Exception: answer_crash},
    )
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, name="api", daemon=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wiring, "services", lambda: services)
        patched.setattr(wiring, "settings", lambda: settings)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)
        try:
            yield Product(address=f"http://127.0.0.1:{port}/api/v1", services=services)
        finally:
            server.should_exit = True
            thread.join(20)
            services.close()


def belongings(product: Product, name: str, *, mark: str) -> Belongings:
    """Somebody with one of everything; every text in it begins with the mark."""
    services, user = product.services, product.person(name)
    outputs = {
        stage: Made(data=marked(output.model_dump(mode="json"), mark)) for stage, output in all_outputs().items()
    }
    accepted = make(services.database, user, outputs, title=f"{mark} talk", tags=[mark.lower()])
    waiting = make(services.database, user, {}, title=f"{mark} plan")
    token = services.tokens.create(user, name=f"{mark} token", days=7)
    detail = services.videos.get(user, accepted.video_id)
    film = services.settings.home / "film"
    film.write_bytes(FILE)
    services.storage.keep(film, f"{accepted.video_id}/source")
    return Belongings(
        user=user,
        video=accepted.video_id,
        file=next(file.id for file in detail.files if file.role == "source"),
        job=accepted.job_id,
        open_job=waiting.job_id,
        other_video=waiting.video_id,
        upload=begun(services, user, mark=mark),
        token=token.view.id,
    )


def begun(services: Services, user: User, *, mark: str) -> UUID:
    """An upload of which something has arrived."""
    content = film_of(bytes(100_000))
    upload = services.uploads.begin(
        user, file_name=f"{mark} film.mp4", size=2 * len(content), fingerprint=mark, title=f"{mark} film"
    )

    async def once() -> AsyncIterator[bytes]:
        yield content

    if upload.offset == 0:
        with ThreadPoolExecutor(1) as outside:  # Playwright may run a loop in this thread
            outside.submit(
                lambda: asyncio.run(services.uploads.append(user, upload.id, offset=0, chunks=once()))
            ).result()
    return upload.id


def still_begun(services: Services, user: User, upload_id: UUID, *, mark: str) -> UUID:
    """The upload, or another in its place where it was given up."""
    try:
        return services.uploads.status(user, upload_id).id
    except NotFound:
        return begun(services, user, mark=mark)


def marked(value: object, mark: str) -> dict[str, object]:
    """The output with the mark before each text that a person wrote or said."""

    def replaced(part: object, name: str = "") -> object:
        if isinstance(part, dict):
            return {key: replaced(one, key) for key, one in part.items()}
        if isinstance(part, list):
            return [replaced(one, name) for one in part]
        return f"{mark} {part}" if isinstance(part, str) and name in {"text", "title", "summary", "parts"} else part

    found = replaced(value)
    assert isinstance(found, dict)
    return found
