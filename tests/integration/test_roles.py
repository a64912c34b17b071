"""What each role may do, use case by use case: written by hand, and compared with what the services really do.

Nothing here is computed from services/permissions.py: what that table says is not yet what happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from services.bootstrap import build
from services.errors import NotAllowed, NotFound
from services.model import Role, User
from services.settings import Settings
from tests.integration.asked import ASKED
from tests.integration.possessions import Possessions
from tests.integration.work import clear_work

# yes: done, or shown. hidden: NotFound, as if it were not there. no: NotAllowed. left: the answer leaves it out, or it
# is not done. Columns: creator, analyst, operator, admin; first on what is their own, then on what is another's, where
# the use case is about something that somebody has.
EXPECTED: dict[str, tuple[str, str] | tuple[str]] = {
    #                               creator analyst operator admin
    "videos.get": ("yes yes yes yes", "hidden yes yes yes"),
    "videos.open_file": ("yes yes yes yes", "hidden yes yes yes"),
    "videos.transcript": ("yes yes yes yes", "hidden yes yes yes"),
    "lineages.of_video": ("yes yes yes yes", "hidden yes yes yes"),
    "archives.open": ("yes yes yes yes", "hidden yes yes yes"),
    "edits.save": ("yes no yes yes", "hidden no yes yes"),
    "operations.job": ("yes yes yes yes", "hidden yes yes yes"),
    "operations.submit": ("yes no yes yes", "hidden no yes yes"),
    "operations.submit_many": ("yes no yes yes", "hidden no yes yes"),
    "operations.cancel": ("yes no yes yes", "hidden no yes yes"),
    "operations.retry": ("yes no yes yes", "hidden no yes yes"),
    "operations.counts": ("no yes yes yes",),
    "operations.queues": ("no yes yes yes",),
    "operations.refused_messages": ("no yes yes yes",),
    "operations.pauses": ("yes yes yes yes",),
    "operations.pause": ("no no yes yes",),
    "operations.resume": ("no no yes yes",),
    "bulk.plan": ("yes no yes yes", "left no yes yes"),
    "bulk.run": ("yes no yes yes", "left no yes yes"),
    "library.search": ("yes yes yes yes", "left yes yes yes"),
    "home.of": ("yes yes yes yes", "left yes yes yes"),
    "live.join": ("yes yes yes yes", "left yes yes yes"),
    "notifications.inbox": ("yes yes yes yes", "left left left left"),
    "notifications.mark_read": ("yes yes yes yes", "left left left left"),
    "samples.process": ("yes no yes yes",),
    "uploads.begin": ("yes no yes yes", "left no left left"),
    "uploads.duplicate_of": ("yes no yes yes", "left no left left"),
    "uploads.status": ("yes no yes yes", "hidden no hidden hidden"),
    "uploads.append": ("yes no yes yes", "hidden no hidden hidden"),
    "uploads.unfinished": ("yes no yes yes", "left no left left"),
    "uploads.describe": ("yes no yes yes", "hidden no hidden hidden"),
    "uploads.discard": ("yes no yes yes", "hidden no hidden hidden"),
    "uploads.complete": ("yes no yes yes", "hidden no hidden hidden"),
    "uploads.accept_file": ("yes no yes yes",),
    "limits.of": ("yes yes yes yes",),
    "limits.refusals": ("no no no yes",),
    "limits.overrides": ("no no no yes", "no no no yes"),
    "limits.set_override": ("no no no yes", "no no no yes"),
    "limits.lift_override": ("no no no yes", "no no no yes"),
    "accounts.change_password": ("yes yes yes yes",),
    "sessions.issue_ticket": ("yes yes yes yes",),
    "sessions.open": ("yes yes yes yes",),
    "sessions.of_user": ("yes yes yes yes", "hidden hidden hidden yes"),
    "sessions.end": ("yes yes yes yes", "hidden hidden hidden yes"),
    "sessions.end_all": ("yes yes yes yes", "hidden hidden hidden yes"),
    "tokens.create": ("yes yes yes yes",),
    "tokens.of_user": ("yes yes yes yes", "hidden hidden hidden yes"),
    "tokens.revoke": ("yes yes yes yes", "hidden hidden hidden yes"),
    "users.find": ("no no no yes", "no no no yes"),
    "users.get": ("no no no yes", "no no no yes"),
    "users.create": ("no no no yes",),
    "users.set_role": ("no no no left", "no no no yes"),
    "users.disable": ("no no no left", "no no no yes"),
    "users.enable": ("no no no left", "no no no yes"),
    "users.reset_link": ("no no no yes", "no no no yes"),
}
ROLES = (Role.CREATOR, Role.ANALYST, Role.OPERATOR, Role.ADMIN)


@pytest.fixture(scope="module")
def possessions(migrated_url: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Possessions]:
    """Services without limits, so that nothing is refused but for the role."""
    folder = tmp_path_factory.mktemp("roles")
    client = redis.Redis.from_url(valkey_url)
    client.flushall()
    services = build(settings_for(folder, migrated_url, valkey_url), client=client)
    clear_work(services.database)
    yield Possessions(services, folder)
    services.close()
    client.close()


def settings_for(folder: Path, database_url: str, redis_url: str) -> Settings:
    return Settings(
        _env_file=None,
        home=folder,
        DATABASE_URL=database_url,  # type: ignore[arg-type]
        REDIS_URL=redis_url,  # type: ignore[arg-type]
        secret_key="a secret of the tests",  # type: ignore[arg-type]
        disk_reserve=0,
        disk_reserve_share=0,
        requests_per_minute=1_000_000,
        jobs_per_hour=1_000_000,
        uploads_per_day=1_000_000,
    )


@pytest.fixture(scope="module")
def people(possessions: Possessions) -> dict[Role, User]:
    return {role: possessions.person(role) for role in ROLES}


@pytest.fixture(scope="module")
def another(possessions: Possessions) -> User:
    return possessions.person()


def answered(use_case: str, possessions: Possessions, user: User, owner: User) -> str:
    try:
        return "left" if ASKED[use_case](possessions, user, owner) is False else "yes"
    except NotFound:
        return "hidden"
    except NotAllowed:
        return "no"


@pytest.mark.parametrize("use_case", EXPECTED)
def test_each_role_may_do_just_this(
    possessions: Possessions, people: dict[Role, User], another: User, use_case: str
) -> None:
    own, *others = EXPECTED[use_case]
    assert " ".join(answered(use_case, possessions, people[role], people[role]) for role in ROLES) == own
    for expected in others:
        assert " ".join(answered(use_case, possessions, people[role], another) for role in ROLES) == expected


def test_each_way_to_ask_is_compared() -> None:
    assert ASKED.keys() == EXPECTED.keys()
