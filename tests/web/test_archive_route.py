"""The archive of a video over HTTP: sent as it is made, with its length, to who may see the video."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from console.routes.archive import _sent
from tests.web.fakes import ANA, FakeServices

CONTENT = b"PK" + b"x" * 5000


def test_an_archive_is_saved_under_its_name_with_its_length(client: TestClient, services: FakeServices) -> None:
    video_id = uuid4()
    services.archives.known[video_id] = CONTENT
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    answer = client.get(f"/api/videos/{video_id}/archive.zip")
    assert answer.content == CONTENT
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-encoding"] == "identity"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''Tr%C3%A4iler.zip"
    assert answer.headers["cache-control"] == "private, no-store"
    client.get(f"/api/videos/{video_id}/archive.zip?source=1")
    assert services.archives.asked == [(video_id, False), (video_id, True)]


def test_its_length_is_told_without_reading_it(client: TestClient, services: FakeServices) -> None:
    video_id = uuid4()
    services.archives.known[video_id] = CONTENT
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    told = client.head(f"/api/videos/{video_id}/archive.zip")
    assert services.archives.read == 0
    sent = client.get(f"/api/videos/{video_id}/archive.zip")
    assert services.archives.read == len(CONTENT)
    assert told.content == b""
    for name in ("content-type", "content-length", "content-disposition"):
        assert told.headers[name] == sent.headers[name]


def test_the_archive_of_what_one_may_not_see_is_not_found(client: TestClient, services: FakeServices) -> None:
    address = f"/api/videos/{uuid4()}/archive.zip"
    assert client.get(address).status_code == 401
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    answer = client.get(address)
    assert answer.status_code == 404
    assert "not yours" in answer.json()["detail"]


def test_whoever_leaves_ends_the_reading() -> None:
    ended: list[str] = []

    def chunks() -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            ended.append("closed")

    read = chunks()  # held here, so that nobody but the route ends it

    async def leave_after_two() -> None:
        sent = _sent(read)
        assert [await anext(sent), await anext(sent)] == [b"x", b"x"]
        with pytest.raises(asyncio.CancelledError):
            await sent.athrow(asyncio.CancelledError())

    asyncio.run(leave_after_two())
    assert ended == ["closed"]
