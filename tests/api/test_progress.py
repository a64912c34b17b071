"""The live stream of one job: what becomes of it, nothing of other jobs, and an end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.model import User
from tests.api.conftest import Product
from tests.integration.work import Accepted, accept


@pytest.fixture(scope="module")
def ana(product: Product) -> User:
    return product.person("ana")


@pytest.fixture
def job(product: Product, ana: User) -> Accepted:
    return accept(product.services.database, ana)


def events(stream: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in stream.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_it_tells_how_a_job_stands_then_what_becomes_of_it_and_nothing_of_others(
    product: Product, ana: User, job: Accepted
) -> None:
    other = accept(product.services.database, ana)
    with product.caller(ana) as caller, caller.stream("GET", f"/jobs/{job.job_id}/progress") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = events(stream)
        assert next(told) == (
            "progress",
            {"job_id": str(job.job_id), "state": "queued", "percent": 0.0, "stage": None, "message": "Queued"},
        )
        with product.caller(ana) as beside:
            assert beside.post(f"/jobs/{other.job_id}/cancel").json()["state"] == "cancelled"
            assert beside.post(f"/jobs/{job.job_id}/cancel").status_code == 200
        rest = list(told)
    assert {data["job_id"] for _, data in rest} == {str(job.job_id)}
    assert [(name, data["state"]) for name, data in rest] == [("progress", "cancelled"), ("end", "cancelled")]
    assert rest[-1][1]["why"] == "ended"


def test_of_a_job_that_has_ended_it_tells_the_end_at_once(product: Product, ana: User, job: Accepted) -> None:
    with product.caller(ana) as caller:
        caller.post(f"/jobs/{job.job_id}/cancel")
        with caller.stream("GET", f"/jobs/{job.job_id}/progress") as stream:
            assert [name for name, _ in events(stream)] == ["progress", "end"]


def test_it_ends_with_its_session(product: Product, ana: User, job: Accepted) -> None:
    with product.caller(ana) as caller, caller.stream("GET", f"/jobs/{job.job_id}/progress") as stream:
        told = events(stream)
        next(told)
        with httpx.Client(base_url=product.address, headers=caller.headers) as beside:
            assert beside.delete("/sessions/current").status_code == 204
        assert [(name, data["why"]) for name, data in told] == [("end", "session")]


def test_it_ends_with_its_api_token(product: Product, ana: User, job: Accepted) -> None:
    made = product.services.tokens.create(ana, name="a script", days=1)
    headers = {"Authorization": f"Bearer {made.token}"}
    with httpx.Client(base_url=product.address, headers=headers, timeout=20) as caller:
        with caller.stream("GET", f"/jobs/{job.job_id}/progress") as stream:
            told = events(stream)
            next(told)
            product.services.tokens.revoke(ana, made.view.id)
            assert [(name, data["why"]) for name, data in told] == [("end", "session")]
        assert caller.get("/me").status_code == 401
