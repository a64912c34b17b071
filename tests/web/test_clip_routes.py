"""Clips and posts over HTTP: what a person wants reaches the services as it was asked, and refusals are sentences."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from services.errors import IllegalMove
from services.model import JobKind, User
from tests.web.fakes import ANA, FakeServices

CUT = {"position": 1, "start": 8.25, "end": 12.5, "title": "Shorter"}


@pytest.fixture(autouse=True)
def signed_in(client: TestClient, services: FakeServices) -> None:
    client.cookies.set("backlot_session", services.sessions.open(ANA))


def test_a_new_cut_becomes_a_job(client: TestClient, services: FakeServices) -> None:
    video_id = uuid4()
    answer = client.post(f"/api/videos/{video_id}/clips", json={"cuts": [CUT]})
    assert answer.status_code == 202
    assert UUID(answer.json()["job_id"])
    assert services.operations.submitted == [(video_id, JobKind.CLIPS)]
    assert services.operations.options == [{"cuts": [CUT]}]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"cuts": [{**CUT, "start": "x"}]},
        {"cuts": [{**CUT, "made_by": "me"}]},
        {"cuts": [{**CUT, "position": -1}]},
        {"cuts": [], "kind": "pipeline"},
    ],
)
def test_what_cannot_be_read_reaches_nobody(
    client: TestClient, services: FakeServices, body: dict[str, object]
) -> None:
    answer = client.post(f"/api/videos/{uuid4()}/clips", json=body)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("The request cannot be read")
    assert services.operations.submitted == []


def test_a_refusal_is_the_services_own_sentence(
    client: TestClient, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(user: User, video_id: UUID, kind: JobKind, *, options: Mapping[str, object]) -> UUID:
        raise IllegalMove("Clips of this video are being rendered.")

    monkeypatch.setattr(services.operations, "submit", refuse)
    answer = client.post(f"/api/videos/{uuid4()}/clips", json={"cuts": [CUT]})
    assert (answer.status_code, answer.json()["detail"]) == (409, "Clips of this video are being rendered.")


def test_a_post_is_saved_and_taken_back(client: TestClient, services: FakeServices) -> None:
    video_id = uuid4()
    address = f"/api/videos/{video_id}/edits/post:x_thread"
    assert client.put(address, json={"value": ["one", "two"]}).json() == {"value": ["one", "two"]}
    assert client.put(address, json={"value": None}).json() == {"value": None}
    assert services.edits.saved == [(video_id, "post:x_thread", ["one", "two"]), (video_id, "post:x_thread", None)]
