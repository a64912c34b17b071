"""From a name and a password to a film's picture, over HTTP alone: by curl, and by a client made from the document."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bench.footage import tiny
from console import api
from services.receiving import fingerprint_of
from tests import browser
from tests.e2e.conftest import PASSWORD, RunningStack

SECONDS = 120  # for a film of two, on a busy machine
CLIENT = "backlot_client"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("film") / "tiny.mp4")


@pytest.fixture
def curl(stack: RunningStack) -> Callable[..., bytes]:
    """Calls an address of the API, and gives the body; curl itself says where one is refused."""
    program = shutil.which("curl") or (browser.install_by_apt("curl") and shutil.which("curl"))
    assert program, "This test needs curl: `apt-get install curl`."

    def call(path: str, *arguments: str, token: str | None = None) -> bytes:
        authorized = ("--header", f"Authorization: Bearer {token}") if token else ()
        command = [program, "--silent", "--show-error", "--fail-with-body", "--max-time", str(SECONDS), "--no-buffer"]
        ended = subprocess.run(
            [*command, *authorized, *arguments, f"{stack.address}/api/v1{path}"], capture_output=True, check=False
        )
        assert ended.returncode == 0, (path, ended.stderr, ended.stdout)
        return ended.stdout

    return call


def body(**values: object) -> tuple[str, ...]:
    return "--header", "Content-Type: application/json", "--data", json.dumps(values)


def events(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Names and data of server-sent events."""
    found = [event.split("\ndata: ") for event in stream.decode().split("\n\n") if event.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data)) for name, data in found]


def test_curl_goes_the_whole_way(stack: RunningStack, curl: Callable[..., bytes], film: Path, tmp_path: Path) -> None:
    user, content = stack.person(), film.read_bytes()
    signed_in = json.loads(curl("/sessions", *body(name=user.name, password=PASSWORD)))
    token = signed_in["token"]
    assert json.loads(curl("/me", token=token))["user"]["name"] == user.name

    asked = body(name=film.name, size=len(content), fingerprint=fingerprint_of(film), title="By curl")
    key = ("--header", "Idempotency-Key: the film of today")
    upload = json.loads(curl("/uploads", *asked, *key, token=token))
    assert json.loads(curl("/uploads", *asked, *key, token=token)) == upload  # the answer was lost, say
    third = len(content) // 3
    for start, end in ((0, third), (third, 2 * third), (2 * third, len(content))):
        part = tmp_path / f"part-{start}"
        part.write_bytes(content[start:end])
        sending = ("--request", "PUT", "--header", "Content-Type: application/octet-stream")
        curl(f"/uploads/{upload['id']}?offset={start}", *sending, "--data-binary", f"@{part}", token=token)
        assert json.loads(curl(f"/uploads/{upload['id']}", token=token))["offset"] == end
    accepted = json.loads(curl(f"/uploads/{upload['id']}/complete", "--request", "POST", token=token))

    told = events(curl(f"/jobs/{accepted['job_id']}/progress", token=token))
    assert told[-1] == ("end", {"job_id": accepted["job_id"], "state": "succeeded", "why": "ended"})
    percents = [data["percent"] for name, data in told if name == "progress"]
    assert percents == sorted(percents)
    assert percents[-1] == 100

    again = json.loads(curl(f"/videos/{accepted['video_id']}/jobs", *body(kind="thumbnails"), token=token))
    assert events(curl(f"/jobs/{again['job_id']}/progress", token=token))[-1][1]["state"] == "succeeded"
    (found,) = json.loads(curl("/videos?text=curl&state=repurposed&limit=5", token=token))["videos"]
    assert found["id"] == accepted["video_id"]

    video = json.loads(curl(f"/videos/{accepted['video_id']}", token=token))
    files = {(file["role"], file["position"]): file for file in video["files"]}
    head = tmp_path / "head"
    source = curl(f"/files/{files['source', 0]['id']}", "--range", "100-1099", "--dump-header", str(head), token=token)
    assert source == content[100:1100]
    assert f"content-range: bytes 100-1099/{len(content)}" in head.read_text().lower()
    assert "206" in head.read_text().splitlines()[0]
    assert 'ratelimit-policy: "requests";q=' in head.read_text().lower()
    picture = curl(f"/files/{files['thumbnail', 0]['id']}", token=token)
    assert picture.startswith(b"\xff\xd8")
    assert len(picture) == files["thumbnail", 0]["size"]

    curl("/sessions/current", "--request", "DELETE", token=token)
    with pytest.raises(AssertionError, match="Nobody is signed in"):
        curl("/me", token=token)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Looks for a module in a client that openapi-python-client has just made, with no connection to anywhere."""
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(api.openapi_document()))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--path", str(document)]
    ended = subprocess.run(
        [*command, "--output-path", str(tmp_path / CLIENT)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "omitted" not in ended.stdout, ended.stdout  # it understood all of the document
    monkeypatch.syspath_prepend(tmp_path)
    return lambda name: import_module(f"{CLIENT}.{name}")


def test_a_client_made_from_the_document_goes_the_same_way(
    stack: RunningStack, made: Callable[[str], Any], film: Path
) -> None:
    user, address = stack.person(), f"{stack.address}/api/v1"
    models = made("models")
    kept = made("client")
    with kept.Client(base_url=address) as stranger:
        asked = models.SignIn(name=user.name, password=PASSWORD)
        signed_in = made("api.signing_in.sign_in").sync(client=stranger, body=asked)
    with kept.AuthenticatedClient(base_url=address, token=signed_in.token, timeout=SECONDS) as client:
        the_same_way(client, made, user.name, film)


def the_same_way(client: Any, made: Callable[[str], Any], name: str, film: Path) -> None:
    content, models = film.read_bytes(), made("models")
    assert made("api.me.me").sync(client=client).user.name == name

    asked = models.UploadAsked(name=film.name, size=len(content), fingerprint="a film", title="By a client")
    upload = made("api.uploads.begin_upload").sync(client=client, body=asked, idempotency_key="today")
    half = len(content) // 2
    for start, end in ((0, half), (half, len(content))):
        part = made("types").File(payload=io.BytesIO(content[start:end]))
        sent = made("api.uploads.send_part").sync(upload.id, client=client, body=part, offset=start)
        assert sent.offset == end
    accepted = made("api.uploads.complete_upload").sync(upload.id, client=client)

    stream = made("api.jobs.follow_job").sync_detailed(accepted.job_id, client=client)
    assert events(stream.content)[-1][1]["state"] == "succeeded"
    job = made("api.jobs.read_job").sync(accepted.job_id, client=client)
    assert (job.state, job.percent) == (models.JobState.SUCCEEDED, 100)
    refused = made("api.jobs.cancel_job").sync(accepted.job_id, client=client)
    assert isinstance(refused, models.Problem)
    assert refused.status == 409

    found = made("api.videos.list_videos").sync(client=client, text="client")
    assert [video.id for video in found.videos] == [accepted.video_id]
    video = made("api.videos.read_video").sync(accepted.video_id, client=client)
    probed = made("api.videos.read_output").sync(accepted.video_id, models.StageName.PROBE, client=client)
    assert probed.size_bytes == len(content)
    (source,) = (file.id for file in video.files if file.role == "source")
    ranged = made("api.videos.read_file").sync(source, client=client, range_="bytes=5-14")
    assert ranged.payload.read() == content[5:15]
    limits = made("api.me.limits").sync(client=client)
    assert limits.uploads.used == 1
    assert isinstance(video.id, UUID)
