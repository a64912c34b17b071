"""What is left of the limits, as the accept counts it, by the clock of Postgres."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from services.bootstrap import Services
from services.errors import LimitReached
from services.model import JobKind, User
from tests.films import film_of
from tests.integration.conftest import NewUser


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(film_of(b"any"))
    return path


def age(services: Services, user: User, by: timedelta) -> None:
    """Everything the user has used was used so much earlier."""
    with services.database.transaction() as connection:
        connection.execute(text("update quota_uses set at = at - :by where user_id = :id"), {"by": by, "id": user.id})


def test_nothing_is_used_at_first(another: Callable[..., Services], new_user: NewUser) -> None:
    left = another(uploads_per_day=3, jobs_per_hour=2).limits.of(new_user())
    assert (left.uploads.left, left.uploads.limit, left.uploads.free_at) == (3, 3, None)
    assert (left.jobs.left, left.jobs.limit, left.jobs.free_at) == (2, 2, None)


def test_what_is_left_is_what_the_accept_allows(
    another: Callable[..., Services], new_user: NewUser, film: Path
) -> None:
    services, user = another(uploads_per_day=3, jobs_per_hour=2), new_user()

    def accept() -> datetime:
        job_id = services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE).job_id
        return services.operations.job(user, job_id).starts_at

    accept()
    left = services.limits.of(user)
    assert (left.uploads.left, left.jobs.left) == (2, 1)
    assert left.uploads.free_at is left.jobs.free_at is None

    accept()
    left = services.limits.of(user)
    assert (left.uploads.left, left.jobs.left) == (1, 0)
    assert left.jobs.free_at == accept()  # the third is kept, and starts at the moment that was told
    left = services.limits.of(user)
    assert (left.uploads.left, left.jobs.left) == (0, 0)
    assert left.uploads.free_at is not None
    with pytest.raises(LimitReached) as refusal:
        accept()
    told = (left.uploads.free_at - datetime.now(UTC)).total_seconds()
    assert abs(told - refusal.value.retry_after) < 5


def test_the_windows_slide(another: Callable[..., Services], new_user: NewUser, film: Path) -> None:
    services, user = another(uploads_per_day=1, jobs_per_hour=1), new_user()
    services.uploads.accept_file(user, film, title=None, kind=JobKind.PIPELINE)
    age(services, user, timedelta(minutes=59))
    assert services.limits.of(user).jobs.left == 0
    age(services, user, timedelta(minutes=2))
    left = services.limits.of(user)
    assert (left.jobs.left, left.uploads.left) == (1, 0)
    age(services, user, timedelta(hours=23))
    assert services.limits.of(user).uploads.left == 1
