"""The document against the product, by schemathesis: no crash, no answer it does not describe, nothing of others."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from console import api
from tests.api.conftest import MARK, Belongings, People, still_begun

LEAST = 2000  # cases in all
EACH = {(True, GenerationMode.POSITIVE): 50, (True, GenerationMode.NEGATIVE): 40, (False, GenerationMode.POSITIVE): 30}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def operations() -> dict[str, schemathesis.APIOperation]:
    """By name; without their security, so that no token is made up: with one and without are told apart here."""
    document = copy.deepcopy(api.openapi_document())
    for each in document["paths"].values():
        for operation in each.values():
            del operation["security"]
    found = (one.ok() for one in schemathesis.openapi.from_dict(document).get_all_operations())
    return {one.definition.raw["operationId"]: one for one in found}


OPERATIONS = operations()
RUN: Counter[str] = Counter()
DONE: Counter[str] = Counter()  # of these, those that did something


def _can_be_wrong(operation: str) -> bool:
    """Whether anything of the call is chosen by whoever calls."""
    found = OPERATIONS[operation]
    return bool(list(found.iter_parameters()) or found.body)


@pytest.fixture(scope="module")
def connection() -> Iterator[requests.Session]:
    with requests.Session() as kept:
        yield kept


@pytest.mark.parametrize(
    ("operation", "signed_in", "mode"),
    [
        (operation, signed_in, mode)
        for operation in OPERATIONS
        for signed_in, mode in EACH
        if mode is GenerationMode.POSITIVE or _can_be_wrong(operation)
    ],
)
def test_every_answer_is_in_the_document(
    people: People,
    connection: requests.Session,
    operation: str,
    signed_in: bool,
    mode: GenerationMode,
) -> None:
    product, ana = people.product, people.ana
    token = product.token(ana.user)

    @settings(
        max_examples=EACH[signed_in, mode],
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[operation].as_strategy(mode), whose=some.sampled_from(["nobody", "ana", "ana", "bo"]))
    def check(case: Case, whose: str) -> None:
        nonlocal token
        if operation == "sign_out" and signed_in:
            token = product.token(ana.user)  # the one before is at its end
        _put_ids(case, whose)
        headers = {"Authorization": f"Bearer {token}"} if signed_in else {}
        answer = case.call(base_url=product.address, session=connection, headers=headers, timeout=20)
        RUN[operation] += 1
        DONE[operation] += answer.status_code < 300
        case.validate_response(answer, checks=[*CHECKS, negative_data_rejection])
        if not signed_in and operation != "sign_in":
            assert answer.status_code == 401
        said = f"{answer.text} {answer.headers}".lower()
        assert not [word for word in people.secrets() if word in said]

    def _put_ids(case: Case, whose: str) -> None:
        if mode is GenerationMode.NEGATIVE or whose == "nobody":
            return
        owner = people.bo if whose == "bo" else ana
        for name, known in owner.ids().items():
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = str(_alive(people, owner, name, known, operation))
        if operation == "send_part" and whose == "ana":
            upload_id = UUID(case.path_parameters["upload_id"])
            case.query["offset"] = product.services.uploads.status(ana.user, upload_id).offset

    check()


def test_enough_cases_ran() -> None:
    assert set(RUN) == set(OPERATIONS), "run this file as a whole"
    assert sum(RUN.values()) >= LEAST, RUN
    assert set(+DONE) == set(OPERATIONS) - {"sign_in", "complete_upload"}, "these were only ever refused"


def _alive(people: People, owner: Belongings, name: str, known: UUID, operation: str) -> UUID:
    """An upload that was given up on the way is begun again; what acts on jobs gets one that is open, too."""
    if name == "upload_id":
        return still_begun(people.product.services, owner.user, known, mark="ana" if owner is people.ana else MARK)
    if name == "job_id" and operation != "follow_job" and uuid4().int % 2:
        return owner.open_job
    return known
