"""Whatever a token is: unless we signed it, for this product and for now, it is refused, and nothing else happens."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from services.errors import NotSignedIn
from services.model import Role, Session, User
from services.session_tokens import CLAIMS, decode, encode
from services.signing import Keys

KEYS = Keys.of("ours", "session")
SESSION = Session(
    id=uuid4(),
    user=User(id=7, name="bo", role=Role.CREATOR, must_change_password=False),
    expires_at=(datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0),
)
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def claims(**changes: object) -> dict[str, Any]:
    now = datetime.now(UTC)
    ours = {"jti": str(SESSION.id), "sub": "7", "name": "bo", "role": "creator", "choose_password": False}
    return ours | {"iat": now, "exp": now + timedelta(hours=1), "iss": "backlot", "aud": "backlot console"} | changes


def signed(body: dict[str, Any], **headers: object) -> str:
    return jwt.encode(body, KEYS.signing, algorithm="HS256", headers=headers or None)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refused(token: str | None) -> None:
    with pytest.raises(NotSignedIn):
        decode(token, KEYS)


def test_ours_is_accepted_and_says_who_it_is() -> None:
    assert decode(encode(SESSION, KEYS), KEYS) == SESSION
    assert decode(signed(claims()), KEYS).id == SESSION.id


def test_the_key_before_is_accepted_and_no_other() -> None:
    token = encode(SESSION, KEYS)
    assert decode(token, Keys.of("newer", "session", previous="ours")) == SESSION
    assert Keys.of("newer", "session", previous="ours").signing == Keys.of("newer", "session").signing
    for others in (
        Keys.of("newer", "session"),
        Keys.of("newer", "session", previous="another"),
        Keys.of("ours", "wake"),
    ):
        with pytest.raises(NotSignedIn):
            decode(token, others)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "none", "RS256", "PS256"])
def test_no_other_algorithm(algorithm: str) -> None:
    key = None if algorithm == "none" else RSA_KEY if algorithm[0] in "RP" else KEYS.signing * 2
    refused(jwt.encode(claims(), key, algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "RS256", "HS512", "", None, 5, ["HS256"]])
def test_a_header_that_names_another_algorithm_over_our_signature(algorithm: object) -> None:
    _, payload, signature = signed(claims()).split(".")
    header = part({"alg": algorithm, "typ": "JWT"})
    for end in (signature, ""):
        refused(f"{header}.{payload}.{end}")


@pytest.mark.parametrize("missing", [*CLAIMS, "name", "role", "choose_password"])
def test_a_claim_that_is_missing(missing: str) -> None:
    refused(signed({name: value for name, value in claims().items() if name != missing}))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": ["another"]},
        {"iss": "another"},
        {"exp": datetime.now(UTC) - timedelta(seconds=1)},
        {"nbf": datetime.now(UTC) + timedelta(hours=1)},
        {"exp": 10**30},
        {"role": "root"},
        {"jti": "not an id"},
        {"sub": "7; drop table users"},
    ],
    ids=str,
)
def test_a_claim_that_is_wrong(changes: dict[str, object]) -> None:
    refused(signed(claims(**changes)))


@pytest.mark.parametrize("key_id", ["previous", "../../dev/null", "http://127.0.0.1/key"])
def test_a_key_id_chooses_no_key(key_id: str) -> None:
    assert decode(signed(claims(), kid=key_id), KEYS).id == SESSION.id
    refused(jwt.encode(claims(), b"a key of a stranger, long enough", algorithm="HS256", headers={"kid": key_id}))


def test_a_header_that_is_deep() -> None:
    _, payload, signature = signed(claims()).split(".")
    deep = base64.urlsafe_b64encode(b"[" * 50_000).decode()
    refused(f"{deep}.{payload}.{signature}")


@given(st.sampled_from(sorted(claims())), JSON)
def test_an_edited_payload_keeps_no_signature(name: str, value: object) -> None:
    body = json.loads(base64.urlsafe_b64decode(signed(claims()).split(".")[1] + "=="))
    if body[name] == value and type(body[name]) is type(value):
        return
    header, _, signature = signed(claims()).split(".")
    refused(f"{header}.{part(body | {name: value})}.{signature}")


@given(st.sampled_from(sorted(claims())), JSON)
def test_a_claim_of_any_shape_raises_nothing_else(name: str, value: object) -> None:
    try:
        body = claims() | {name: value}
        token = signed(body)
    except (TypeError, ValueError, OverflowError):
        return  # the package does not make such a token
    with contextlib.suppress(NotSignedIn):
        decode(token, KEYS)


@given(JSON)
def test_a_header_of_any_shape_raises_nothing_else(header: object) -> None:
    _, payload, signature = signed(claims()).split(".")
    refused(f"{part(header)}.{payload}.{signature}")


@given(st.integers(0, 2), st.data())
def test_a_character_changed_anywhere(index: int, data: st.DataObject) -> None:
    parts = signed(claims()).split(".")
    place = data.draw(st.integers(0, len(parts[index]) - 2))  # the last one carries bits that nobody reads
    other = data.draw(st.sampled_from("AZaz09-_").filter(lambda one: one != parts[index][place]))
    parts[index] = parts[index][:place] + other + parts[index][place + 1 :]
    refused(".".join(parts))


@given(st.text() | st.text(alphabet="eyJ.abc=_-", max_size=40) | st.none())
def test_noise(token: str | None) -> None:
    refused(token)


def test_a_lone_surrogate() -> None:
    refused("\ud800.\udfff.x")
