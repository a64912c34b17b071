"""Two people and every address that names a thing: what is another's answers exactly as what is not there."""

from __future__ import annotations

from uuid import uuid4

import pytest

from console import api
from tests.api.conftest import MARK, People

BODIES = {
    "submit_job": {"kind": "pipeline"},
    "describe_upload": {"title": "Mine now"},
}
NAMED = [
    (method.upper(), path, operation["operationId"])
    for path, operations in api.openapi_document()["paths"].items()
    for method, operation in operations.items()
    if "_id}" in path
]


def test_every_kind_of_thing_is_named() -> None:
    names = {path.split("{")[1].split("}")[0] for _, path, _ in NAMED}
    assert names == {"video_id", "file_id", "job_id", "upload_id", "token_id"}
    assert len(NAMED) >= 15


@pytest.mark.parametrize(("method", "path", "operation"), NAMED)
def test_anothers_thing_answers_as_one_that_is_not_there(
    people: People, method: str, path: str, operation: str
) -> None:
    def asked(id_of_thing: object) -> tuple[int, str, dict[str, str]]:
        name = path.split("{")[1].split("}", maxsplit=1)[0]
        address = path.replace(f"{{{name}}}", str(id_of_thing)).replace("{stage}", "probe").replace("{form}", "srt")
        params = {"offset": 0} if method == "PUT" else None
        answer = caller.request(method, address, params=params, json=BODIES.get(operation))
        kept = {name: value for name, value in answer.headers.items() if name not in {"date", "ratelimit"}}
        return answer.status_code, answer.text, kept

    with people.product.caller(people.ana.user) as caller:
        name = path.split("{")[1].split("}", maxsplit=1)[0]
        unknown, theirs = asked(uuid4()), asked(people.bo.ids()[name])
        assert unknown[0] == 404
        assert theirs == unknown
        if name == "job_id":
            assert asked(people.bo.open_job) == unknown
        assert not any(word in (theirs[1] + str(theirs[2])).lower() for word in people.secrets())


def test_the_same_addresses_serve_their_owner(people: People) -> None:
    with people.product.caller(people.bo.user) as caller:
        for path in (
            f"/videos/{people.bo.video}",
            f"/videos/{people.bo.video}/outputs/posts",
            f"/videos/{people.bo.video}/transcript.srt",
            f"/files/{people.bo.file}",
            f"/jobs/{people.bo.job}",
            f"/jobs/{people.bo.job}/progress",
            f"/uploads/{people.bo.upload}",
        ):
            assert caller.get(path).status_code == 200, path
        assert MARK in caller.get(f"/videos/{people.bo.video}/transcript.txt").text
        assert {video["title"] for video in caller.get("/videos").json()["videos"]} == {f"{MARK} talk", f"{MARK} plan"}
        assert caller.delete(f"/tokens/{people.bo.token}").status_code == 204


def test_lists_hold_ones_own_alone(people: People) -> None:
    with people.product.caller(people.ana.user) as caller:
        for path in ("/videos", f"/videos?text={MARK}", "/uploads", "/tokens", "/me", "/limits"):
            answer = caller.get(path)
            assert answer.status_code == 200
            assert not any(word in answer.text.lower() for word in people.secrets())
        own = {str(people.ana.video), str(people.ana.other_video)}
        assert {video["id"] for video in caller.get("/videos").json()["videos"]} == own
