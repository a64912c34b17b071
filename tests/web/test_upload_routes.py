"""Uploads over HTTP: in parts, resumed, refused in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from starlette.testclient import TestClient

from services.errors import LimitReached, Unavailable
from tests.films import film_of
from tests.web.conftest import ORIGIN
from tests.web.fakes import ANA, FakeServices

CONTENT = film_of(bytes(range(256)) * 12_000)


@pytest.fixture(autouse=True)
def signed_in(client: TestClient, services: FakeServices) -> None:
    client.cookies.set("backlot_session", services.sessions.open(ANA))


def begin(client: TestClient, **changes: object) -> dict[str, object]:
    body = {"name": "talk.mp4", "size": len(CONTENT), "fingerprint": "f", **changes}
    answer = client.post("/api/v1/uploads", json=body)
    assert answer.status_code == 201
    return dict(answer.json())


def test_a_file_arrives_whole_in_parts(client: TestClient, services: FakeServices) -> None:
    upload = begin(client)
    address = f"/api/v1/uploads/{upload['id']}"
    size = int(str(upload["part_size"]))
    for offset in range(0, len(CONTENT), size):
        answer = client.put(f"{address}?offset={offset}", content=CONTENT[offset : offset + size])
        assert answer.status_code == 200
        assert answer.json()["offset"] == min(len(CONTENT), offset + size)
    done = client.post(f"{address}/complete")
    assert done.status_code == 201
    assert set(done.json()) == {"video_id", "job_id"}
    assert next(iter(services.uploads.received.values())) == CONTENT


def test_a_part_is_never_held_whole(client: TestClient, services: FakeServices) -> None:
    upload = begin(client)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(CONTENT), 65_536):
            yield CONTENT[start : start + 65_536]

    async def send() -> int:
        transport = httpx.ASGITransport(app=client.app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=dict(client.cookies)) as browser:
            answer = await browser.put(f"/api/v1/uploads/{upload['id']}?offset=0", content=pieces())
            return answer.status_code

    assert asyncio.run(send()) == 200
    assert services.uploads.most_at_once == 65_536


def test_a_cut_upload_goes_on_from_the_offset(client: TestClient) -> None:
    upload = begin(client)
    address = f"/api/v1/uploads/{upload['id']}"
    client.put(f"{address}?offset=0", content=CONTENT[:1000])
    assert client.get(address).json()["offset"] == 1000
    assert begin(client)["id"] == upload["id"]
    wrong = client.put(f"{address}?offset=0", content=CONTENT)
    assert wrong.status_code == 409
    assert "1000" in wrong.json()["detail"]
    assert client.post(f"{address}/complete").status_code == 409
    assert client.put(f"{address}?offset=1000", content=CONTENT[1000:]).json()["offset"] == len(CONTENT)


@pytest.mark.parametrize("offset", ["", "-1", "x", "1.5", "٣", "0x10"])
def test_an_offset_is_a_number_of_bytes(client: TestClient, offset: str) -> None:
    upload = begin(client)
    assert client.put(f"/api/v1/uploads/{upload['id']}", params={"offset": offset}, content=b"x").status_code == 422


@pytest.mark.parametrize("field", [{"size": -1}, {"size": "many"}, {"name": ""}, {"fingerprint": ""}, {"extra": 1}])
def test_what_is_announced_is_checked(client: TestClient, field: dict[str, object]) -> None:
    body = {"name": "talk.mp4", "size": 1, "fingerprint": "f", **field}
    answer = client.post("/api/v1/uploads", json=body)
    assert answer.status_code == 422
    assert next(iter(field)) in answer.json()["detail"]
    assert answer.json()["errors"][0]["field"] == f"body.{next(iter(field))}"


def test_an_unknown_upload_is_not_found(client: TestClient) -> None:
    assert client.get(f"/api/v1/uploads/{uuid4()}").status_code == 404
    assert client.get("/api/v1/uploads/..%2f..%2fetc").status_code == 404


def test_refusals_say_when_to_come_back(
    client: TestClient, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise LimitReached("You have uploaded 50 videos within a day.", retry_after=61.2)

    monkeypatch.setattr(services.uploads, "begin", full)
    answer = client.post("/api/v1/uploads", json={"name": "a", "size": 1, "fingerprint": "f"})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "62"

    for told, header in ((None, "5"), (60.0, "60")):

        def down(*args: object, told: float | None = told, **kwargs: object) -> None:
            raise Unavailable("The disk is nearly full.", retry_after=told)

        monkeypatch.setattr(services.uploads, "begin", down)
        answer = client.post("/api/v1/uploads", json={"name": "a", "size": 1, "fingerprint": "f"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == header


def test_the_same_content_is_offered_before_anything_is_begun(client: TestClient, services: FakeServices) -> None:
    upload = begin(client)
    client.put(f"/api/v1/uploads/{upload['id']}?offset=0", content=CONTENT)
    accepted = client.post(f"/api/v1/uploads/{upload['id']}/complete").json()
    body = {"name": "other name.mp4", "size": len(CONTENT), "fingerprint": "f"}
    answer = client.post("/api/v1/uploads", json=body)
    assert answer.status_code == 200
    assert answer.json() == {
        "duplicate": {"video_id": accepted["video_id"], "title": "talk", "when": "2026-01-02T00:00:00Z"}
    }
    assert len(services.uploads.kept) == 1
    again = client.post("/api/v1/uploads", json={**body, "again": True})
    assert again.status_code == 201
    assert again.json()["offset"] == 0


def test_what_is_no_film_is_refused_in_words(client: TestClient) -> None:
    upload = begin(client)
    answer = client.put(f"/api/v1/uploads/{upload['id']}?offset=0", content=b"%PDF-1.7" + bytes(100_000))
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("This is a PDF document.")
    assert client.get(f"/api/v1/uploads/{upload['id']}").status_code == 404


def test_title_and_tags_are_written_on_the_way(client: TestClient, services: FakeServices) -> None:
    address = f"/api/v1/uploads/{begin(client)['id']}"
    answer = client.patch(address, json={"title": "The talk", "tags": ["keynote", "Keynote", " spring "]})
    assert answer.json() == {"title": "The talk", "tags": ["keynote", "spring"]}
    assert client.patch(address, json={"title": "Another"}).json() == {
        "title": "Another",
        "tags": ["keynote", "spring"],
    }
    for wrong in ({"title": 1}, {"tags": "spring"}, {"tags": [1]}, {"state": "done"}):
        assert client.patch(address, json=wrong).status_code == 422
    assert client.patch(address, json={"tags": ["x" * 41]}).status_code == 400
    assert client.patch(address, content=b"{").status_code == 422
    assert client.patch(f"/api/v1/uploads/{uuid4()}", json={"title": "x"}).status_code == 404
    assert next(iter(services.uploads.kept.values())).title == "Another"


def test_what_stopped_is_listed_and_can_be_given_up(client: TestClient) -> None:
    assert client.get("/api/v1/uploads").json() == {"uploads": []}
    upload = begin(client)
    client.put(f"/api/v1/uploads/{upload['id']}?offset=0", content=CONTENT[:1000])
    listed = client.get("/api/v1/uploads")
    assert listed.headers["cache-control"] == "no-store"
    (row,) = listed.json()["uploads"]
    assert (row["id"], row["name"], row["size"], row["offset"]) == (upload["id"], "talk.mp4", len(CONTENT), 1000)
    assert client.delete(f"/api/v1/uploads/{upload['id']}").status_code == 204
    assert client.get("/api/v1/uploads").json() == {"uploads": []}
    assert client.delete(f"/api/v1/uploads/{upload['id']}").status_code == 404


def test_another_site_can_do_none_of_it(client: TestClient, services: FakeServices) -> None:
    upload = begin(client)
    address = f"/api/v1/uploads/{upload['id']}"
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for method, path in (
            ("POST", "/api/v1/uploads"),
            ("PUT", f"{address}?offset=0"),
            ("PATCH", address),
            ("DELETE", address),
            ("POST", f"{address}/complete"),
        ):
            assert client.request(method, path, headers=headers, content=b"{}").status_code == 403
    (kept,) = services.uploads.kept.values()
    assert not kept.received
