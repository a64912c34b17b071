"""Limits of one person: they hold for all three, on record, and end by themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from services import limits
from services.bootstrap import Services
from services.errors import BadInput, IllegalMove, LimitReached, NotAllowed, NotFound
from services.model import JobKind, LimitName, Role, User
from tests.films import film_of
from tests.integration.conftest import NewUser
from tests.integration.fleet import eventually

Another = Callable[..., Services]
WHY = "a launch week"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(film_of(b"any"))
    return path


def give(services: Services, admin: User, user: User, **values: int) -> None:
    for name, value in values.items():
        services.limits.set_override(
            admin, user.id, LimitName(name), value=value, reason=WHY, until=datetime.now(UTC) + timedelta(hours=2)
        )


def end_now(services: Services, user: User) -> None:
    with services.database.transaction() as connection:
        query = text("update limit_overrides set until = clock_timestamp() where user_id = :id")
        connection.execute(query, {"id": user.id})


def wait_of(services: Services, user: User, film: Path) -> float:
    """Seconds until a new job of the user starts."""
    job_id = services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE).job_id
    return (services.operations.job(user, job_id).starts_at - datetime.now(UTC)).total_seconds()


def test_they_hold_for_all_three_and_end_by_themselves(another: Another, new_user: NewUser, film: Path) -> None:
    services = another(jobs_per_hour=1, uploads_per_day=1, requests_per_minute=1)
    admin, user = new_user(Role.ADMIN), new_user()
    give(services, admin, user, jobs=2, uploads=3, requests=4)
    view = services.limits.of(user)
    assert (view.jobs.limit, view.uploads.limit, view.requests.limit) == (2, 3, 4)
    assert view.jobs.overridden_until is not None
    assert {use.reason for use in (view.jobs, view.uploads, view.requests)} == {WHY}
    assert [round(wait_of(services, user, film) / 3600) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(LimitReached, match="uploaded 3 videos"):
        wait_of(services, user, film)
    assert services.limits.of(user).requests.used == 3
    end_now(services, user)
    other = another(jobs_per_hour=1, uploads_per_day=1, requests_per_minute=1)
    view = other.limits.of(user)
    assert (view.jobs.limit, view.uploads.limit, view.requests.limit) == (1, 1, 1)
    assert view.jobs.overridden_until is view.requests.overridden_until is None
    assert services.limits.overrides(admin, user.id) == ()


def test_it_reaches_a_process_that_is_asked_all_the_time(
    another: Another, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OVERRIDES_SECONDS", 0.5)
    here, there = another(), another()
    admin, user = new_user(Role.ADMIN), new_user()
    assert there.limits.of(user).requests.limit == 100
    give(here, admin, user, requests=7)
    eventually(lambda: there.limits.of(user).requests.limit == 7, 5)  # asks every few milliseconds


def test_none_at_all_until_it_ends(another: Another, new_user: NewUser, film: Path) -> None:
    services, admin, user = another(), new_user(Role.ADMIN), new_user()
    give(services, admin, user, jobs=0)
    assert wait_of(services, user, film) == pytest.approx(7200, abs=30)
    give(services, admin, user, uploads=0)
    with pytest.raises(LimitReached) as refusal:
        wait_of(services, user, film)
    assert refusal.value.retry_after == pytest.approx(7200, abs=30)
    give(services, admin, user, requests=0)
    with pytest.raises(LimitReached) as refusal, services.limits.request(user):
        pass
    assert refusal.value.retry_after == pytest.approx(7200, abs=30)


def test_setting_and_lifting_are_on_record(services: Services, new_user: NewUser) -> None:
    admin, user = new_user(Role.ADMIN), new_user()
    give(services, admin, user, jobs=20)
    give(services, admin, user, jobs=30)
    (override,) = services.limits.overrides(admin, user.id)
    assert (override.name, override.value, override.reason, override.set_by) == (LimitName.JOBS, 30, WHY, admin.name)
    services.limits.lift_override(admin, user.id, LimitName.JOBS, reason="it is over")
    assert services.limits.of(user).jobs.limit == 10
    with services.database.transaction() as connection:
        query = text("select actor, action, reason, details from events where user_id = :id order by id")
        first, second, third = connection.execute(query, {"id": user.id}).all()
    assert {first.actor, second.actor, third.actor} == {f"user:{admin.id}"}
    assert (first.action, first.reason, first.details["before"]) == ("limit set", WHY, None)
    assert (second.details["before"]["value"], second.details["after"]["value"]) == (20, 30)
    assert (third.action, third.reason, third.details["after"]) == ("limit lifted", "it is over", None)
    assert third.details["before"]["value"] == 30
    with pytest.raises(IllegalMove):
        services.limits.lift_override(admin, user.id, LimitName.JOBS, reason=WHY)


def test_what_makes_no_sense_is_refused(services: Services, new_user: NewUser) -> None:
    admin, user = new_user(Role.ADMIN), new_user()
    later = datetime.now(UTC) + timedelta(hours=1)
    for value, reason, until in (
        (-1, WHY, later),
        (10_001, WHY, later),
        (5, "  ", later),
        (5, WHY, datetime.now(UTC) - timedelta(seconds=1)),
    ):
        with pytest.raises(BadInput):
            services.limits.set_override(admin, user.id, LimitName.REQUESTS, value=value, reason=reason, until=until)
    with pytest.raises(NotFound):
        services.limits.set_override(admin, 2**40, LimitName.JOBS, value=5, reason=WHY, until=later)
    with pytest.raises(NotAllowed):
        services.limits.set_override(user, user.id, LimitName.JOBS, value=5, reason=WHY, until=later)
