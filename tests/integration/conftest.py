"""A migrated database and built services, on the session's servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from services.bootstrap import Services, build
from services.database import Database, upgrade
from services.errors import NotSignedIn
from services.model import Role, User
from services.records import users
from services.sessions import Sessions
from services.settings import Settings
from services.tokens import ApiTokens


def refuses(checking: Sessions | ApiTokens, token: str) -> bool:
    try:
        checking.verify(token)
    except NotSignedIn:
        return True
    return False


@pytest.fixture(scope="session")
def migrated_url(postgres_url: str) -> str:
    upgrade(postgres_url)
    return postgres_url


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    database = Database(migrated_url)
    yield database
    database.close()


@pytest.fixture
def settings(migrated_url: str, valkey_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        home=tmp_path,
        DATABASE_URL=SecretStr(migrated_url),
        REDIS_URL=SecretStr(valkey_url),
        secret_key=SecretStr("a secret of the tests"),
        disk_reserve=0,
        disk_reserve_share=0,
    )


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    services = build(settings)
    yield services
    services.close()


@pytest.fixture
def another(settings: Settings) -> Iterator[Callable[..., Services]]:
    """Builds more services, as another process would; keyword arguments change settings, `client` the Redis client."""
    built: list[Services] = []

    def build_another(*, client: redis.Redis | None = None, **changes: object) -> Services:
        built.append(build(settings.model_copy(update=changes), client=client))
        return built[-1]

    yield build_another
    for services in built:
        services.close()


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(valkey_url)
    client.flushall()
    yield client
    client.close()


class NewUser:
    """Makes users with names of their own, who cannot sign in: a real hash takes a quarter of a second."""

    count = 0

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, role: Role = Role.CREATOR) -> User:
        NewUser.count += 1
        name = f"{role}-{NewUser.count}"
        with self._database.transaction() as connection:
            user_id = users.create(connection, name=name, role=role, password_hash="none")
        assert user_id is not None
        return User(id=user_id, name=name, role=role, must_change_password=False)


@pytest.fixture
def new_user(database: Database) -> NewUser:
    return NewUser(database)
