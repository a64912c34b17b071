"""What the bell asks for, over HTTP."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from services.model import JobState
from tests.web.conftest import ORIGIN
from tests.web.fakes import ANA, BO, FakeServices, a_video


@pytest.fixture(autouse=True)
def signed_in(client: TestClient, services: FakeServices) -> None:
    client.cookies.set("backlot_session", services.sessions.open(ANA))


def test_the_newest_come_first_with_what_and_which(client: TestClient, services: FakeServices) -> None:
    done, broken = a_video("Talk"), a_video("Other")
    services.notifications.add(ANA, done)
    services.notifications.add(ANA, broken, outcome=JobState.FAILED)
    services.notifications.add(BO, a_video("Of bo"))
    answer = client.get("/api/notifications")
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["unread"] == 2
    assert [(item["title"], item["outcome"], item["text"]) for item in found["items"]] == [
        ("Other", "failed", "The file has no sound."),
        ("Talk", "succeeded", "3 clips · 5 posts"),
    ]
    assert found["items"][1]["video_id"] == str(done.video.id)
    assert all(not item["read"] and "T" in item["at"] for item in found["items"])


def test_one_and_all_are_marked_read(client: TestClient, services: FakeServices) -> None:
    first, _, _ = (services.notifications.add(ANA, a_video(title)) for title in "abc")
    services.notifications.add(BO, a_video("Of bo"))
    assert client.post("/api/notifications/read", json={"ids": [first.id]}).json() == {"unread": 2}
    assert client.post("/api/notifications/read", json={"all": True}).json() == {"unread": 0}
    assert services.notifications.inbox(BO).unread == 1


@pytest.mark.parametrize("body", [{"ids": ["x"]}, {"ids": [1] * 1001}, {"everything": True}])
def test_what_cannot_be_read_is_refused(client: TestClient, body: dict[str, object]) -> None:
    answer = client.post("/api/notifications/read", json=body)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("The request cannot be read")


def test_another_site_marks_nothing(client: TestClient, services: FakeServices) -> None:
    services.notifications.add(ANA, a_video())
    headers = {"origin": ORIGIN.replace("testserver", "elsewhere.example")}
    assert client.post("/api/notifications/read", json={"all": True}, headers=headers).status_code == 403
    assert services.notifications.inbox(ANA).unread == 1
