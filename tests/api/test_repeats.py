"""The same creation twice, or many times at one moment, makes one thing; another one with the same key is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.model import User
from tests.api.conftest import Product
from tests.films import film_of
from tests.integration.work import accept

AT_ONCE = 12
CONTENT = film_of(bytes(1000))


@pytest.fixture(scope="module")
def ana(product: Product) -> User:
    return product.person("ana")


def asked(**changes: object) -> dict[str, Any]:
    return {"name": "talk.mp4", "size": len(CONTENT), "fingerprint": uuid4().hex, **changes}


def count(product: Product, table: str, user: User) -> int:
    with product.services.database.transaction() as connection:
        found = connection.execute(text(f"select count(*) from {table} where user_id = :id"), {"id": user.id})
        return int(found.scalar_one())


def at_once(product: Product, user: User, path: str, body: object, *, key: str) -> list[tuple[int, str]]:
    """Status and body of as many calls at one moment."""
    barrier, token = Barrier(AT_ONCE), product.token(user)

    def call(_: int) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        with httpx.Client(base_url=product.address, headers=headers, timeout=20) as caller:
            caller.get("/me")
            barrier.wait(10)
            answer = caller.post(path, json=body)
            return answer.status_code, answer.text

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(call, range(AT_ONCE)))


def test_uploads_begun_at_one_moment_are_one(product: Product, ana: User) -> None:
    before = count(product, "uploads", ana)
    answers = at_once(product, ana, "/uploads", asked(again=True), key="one moment")
    assert len(set(answers)) == 1, answers
    assert answers[0][0] == 201
    assert count(product, "uploads", ana) == before + 1


def test_jobs_submitted_at_one_moment_are_one(product: Product, ana: User) -> None:
    for kind in ("thumbnails", "pipeline"):  # one that runs beside others, and one that renders alone
        video = accept(product.services.database, ana).video_id
        with product.caller(ana) as caller:
            job = caller.get(f"/videos/{video}").json()["jobs"][0]["id"]
            assert caller.post(f"/jobs/{job}/cancel").status_code == 200
        before = count(product, "jobs", ana)
        answers = at_once(product, ana, f"/videos/{video}/jobs", {"kind": kind}, key=f"one moment, {kind}")
        assert len(set(answers)) == 1, answers
        assert answers[0][0] == 202
        assert count(product, "jobs", ana) == before + 1


def test_a_repeat_answers_the_same_also_after_the_upload_is_a_video(product: Product, ana: User) -> None:
    body = asked()
    with product.caller(ana) as caller:
        caller.headers["Idempotency-Key"] = "a film"
        first = caller.post("/uploads", json=body)
        address = f"/uploads/{first.json()['id']}"
        caller.put(f"{address}?offset=0", content=CONTENT)
        caller.patch(address, json={"title": "Another title"})
        assert caller.post(f"{address}/complete").status_code == 201
        again = caller.post("/uploads", json=body)
        assert (again.status_code, again.json()["id"]) == (first.status_code, first.json()["id"])
        assert again.json()["offset"] == len(CONTENT)
        del caller.headers["Idempotency-Key"]
        assert "duplicate" in caller.post("/uploads", json=body).json()


def test_the_same_key_for_something_else_is_refused(product: Product, ana: User) -> None:
    video = accept(product.services.database, ana).video_id
    with product.caller(ana) as caller:
        caller.headers["Idempotency-Key"] = "mine"
        body = asked()
        assert caller.post("/uploads", json=body).status_code == 201
        for change in ({"size": 7}, {"name": "other.mp4"}, {"title": "Another"}, {"fingerprint": "x"}):
            refused = caller.post("/uploads", json={**body, **change})
            assert refused.status_code == 409
            assert "new key" in refused.json()["detail"]
        jobs = f"/videos/{video}/jobs"
        submitted = caller.post(jobs, json={"kind": "thumbnails"})
        assert submitted.status_code == 202
        assert submitted.headers["location"] == f"/api/v1/jobs/{submitted.json()['job_id']}"
        assert caller.post(jobs, json={"kind": "analyze"}).status_code == 409
        other = accept(product.services.database, ana).video_id
        assert caller.post(f"/videos/{other}/jobs", json={"kind": "thumbnails"}).status_code == 409


def test_keys_belong_to_one_person_and_hide_nobodys_id(product: Product, ana: User) -> None:
    bo, body = product.person("bo"), asked()
    found: list[UUID] = []
    for user in (ana, bo):
        with product.caller(user) as caller:
            answer = caller.post("/uploads", json=body, headers={"Idempotency-Key": "the same words"})
            assert answer.status_code == 201
            found.append(UUID(answer.json()["id"]))
    assert found[0] != found[1]
    with product.caller(ana) as caller:
        assert caller.get(f"/uploads/{found[1]}").status_code == 404
