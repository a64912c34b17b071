"""Files in ranges, and transcripts in four forms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from services.videos import StoredFile
from tests.web.fakes import ANA, BO, FakeServices, a_video, store

CONTENT = bytes(range(256)) * 20_000
NAME = 'träiler "final"\r\nSet-Cookie: x=1 \u202e.mp4'


@pytest.fixture
def file_id(client: TestClient, services: FakeServices, tmp_path: Path) -> UUID:
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    path = tmp_path / "stored"
    path.write_bytes(CONTENT)
    stored_id = uuid4()
    services.videos.stored[stored_id] = StoredFile(
        path=path, media_type="video/mp4", size=len(CONTENT), name=NAME, etag=f'"{stored_id}"'
    )
    return stored_id


def test_a_whole_file(client: TestClient, file_id: UUID) -> None:
    answer = client.get(f"/api/files/{file_id}")
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = client.head(f"/api/files/{file_id}")
    assert head.headers["content-length"] == str(len(CONTENT))
    assert head.content == b""


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, len(CONTENT) - 1),
        ("bytes=0-0", 0, 0),
        ("bytes=1000000-3000000", 1_000_000, 3_000_000),
        ("bytes=-100", len(CONTENT) - 100, len(CONTENT) - 1),
        (f"bytes=10-{len(CONTENT) * 2}", 10, len(CONTENT) - 1),
    ],
)
def test_a_range(client: TestClient, file_id: UUID, asked: str, first: int, last: int) -> None:
    answer = client.get(f"/api/files/{file_id}", headers={"range": asked})
    assert answer.status_code == 206
    assert answer.content == CONTENT[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(last - first + 1)


def test_a_range_beyond_the_end_is_refused(client: TestClient, file_id: UUID) -> None:
    answer = client.get(f"/api/files/{file_id}", headers={"range": f"bytes={len(CONTENT)}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


def test_a_range_of_another_version_gets_the_whole_file(client: TestClient, file_id: UUID) -> None:
    headers = {"range": "bytes=0-9", "if-range": '"another"'}
    assert client.get(f"/api/files/{file_id}", headers=headers).status_code == 200
    headers["if-range"] = f'"{file_id}"'
    assert client.get(f"/api/files/{file_id}", headers=headers).content == CONTENT[:10]
    assert client.get(f"/api/files/{file_id}", headers={"if-none-match": f'"{file_id}"'}).status_code == 304


def test_a_download_keeps_its_name_and_adds_no_header(client: TestClient, file_id: UUID) -> None:
    answer = client.get(f"/api/files/{file_id}?download=1")
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''tr%C3%A4iler%20%22final%22%0D%0A")
    assert "set-cookie" not in answer.headers
    assert client.get(f"/api/files/{file_id}").headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/javascript", "application/pdf"])
def test_what_could_act_in_a_browser_is_only_saved(
    client: TestClient, services: FakeServices, file_id: UUID, media_type: str
) -> None:
    services.videos.stored[file_id] = replace(services.videos.stored[file_id], media_type=media_type)
    answer = client.get(f"/api/files/{file_id}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-encoding"] == "identity"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["..%2f..%2fetc%2fpasswd", "%2e%2e/passwd", "x", "1", str(uuid4())])
def test_only_known_files_are_found(client: TestClient, file_id: UUID, path: str) -> None:
    assert client.get(f"/api/files/{path}").status_code == 404


def test_the_transcript_in_four_forms(client: TestClient, services: FakeServices, tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(b"x")
    video = store(services, a_video(), lambda role: content)
    mute = store(services, a_video(outputs={}), lambda role: content)
    client.cookies.set("backlot_session", services.sessions.open(ANA))
    address = f"/api/videos/{video.video.id}/transcript"
    assert client.get(f"{address}.vtt").text.startswith("WEBVTT")
    assert "00:00:00,000 -->" in client.get(f"{address}.srt").text
    assert "nobody believed" in client.get(f"{address}.txt").text
    assert client.get(f"{address}.json").json()["segments"][0]["words"][0]["text"] == "When"
    saved = client.get(f"{address}.srt?download=1").headers["content-disposition"]
    assert saved == "attachment; filename*=utf-8''interview%20final.srt"
    assert client.get(f"{address}.exe").status_code == 404
    assert client.get(f"/api/videos/{mute.video.id}/transcript.srt").status_code == 404
    client.cookies.clear()
    client.cookies.set("backlot_session", services.sessions.open(BO))
    assert client.get(f"{address}.srt").status_code == 404
    assert client.get(f"/api/files/{video.files[0].id}").status_code == 404
