"""A session that ends is refused within a second by every process that hears of it, and by those that cannot hear."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis
from pydantic import SecretStr

from services.bootstrap import Services
from services.model import Session
from services.revocations import Revocations
from tests.integration.conftest import NewUser, refuses
from tests.integration.fleet import eventually
from tests.network import Network, of_url

Another = Callable[..., Services]
SOON = 1.5  # seconds: a revocation counts within one


@pytest.fixture
def network(valkey_url: str) -> Iterator[Network]:
    network = of_url(valkey_url)
    yield network
    network.close()


@pytest.fixture
def listening(another: Another, valkey_url: str, network: Network) -> Services:
    """A process that hears which sessions end, over a network that can be cut."""
    services = another(redis_url=SecretStr(network.url(valkey_url)))
    services.listen()
    return services


@pytest.fixture
def signed_in(services: Services, new_user: NewUser) -> tuple[str, Session]:
    return services.sessions.exchange(services.sessions.issue_ticket(new_user()), address="::1", user_agent="test")


def hears(listening: Services, client: redis.Redis) -> bool:
    return bool(client.pubsub_numsub("backlot:revocations")[0][1])


def asked(client: redis.Redis) -> int:
    return int(client.info("commandstats").get("cmdstat_getex", {"calls": 0})["calls"])


def test_a_page_that_asks_each_moment_costs_redis_nothing_and_hears_of_the_end(
    services: Services, listening: Services, signed_in: tuple[str, Session], client: redis.Redis
) -> None:
    token, session = signed_in
    eventually(lambda: hears(listening, client), 5)
    listening.sessions.verify(token)
    before = asked(client)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        listening.sessions.verify(token)
        time.sleep(0.1)
    assert asked(client) - before <= 1
    services.sessions.revoke(session)
    eventually(lambda: refuses(listening.sessions, token), SOON, "the refusal")


def test_a_process_that_is_cut_off_asks_again_within_a_second(
    services: Services, listening: Services, signed_in: tuple[str, Session], client: redis.Redis, network: Network
) -> None:
    token, session = signed_in
    eventually(lambda: hears(listening, client), 5)
    listening.sessions.verify(token)
    network.cut()
    eventually(lambda: not hears(listening, client), 5)
    services.sessions.revoke(session)
    eventually(lambda: refuses(listening.sessions, token), SOON, "the refusal")


def test_what_ended_while_it_did_not_hear_is_asked_anew(
    services: Services, listening: Services, signed_in: tuple[str, Session], client: redis.Redis, network: Network
) -> None:
    token, session = signed_in
    eventually(lambda: hears(listening, client), 5)
    network.cut()
    eventually(lambda: not hears(listening, client), 5)
    listening.sessions.verify(token)
    services.sessions.revoke(session)
    network.mend()
    eventually(lambda: hears(listening, client), 10)
    assert refuses(listening.sessions, token)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 10_000, b"not a session"], ids=len)
def test_what_anybody_publishes_ends_nothing(
    listening: Services, signed_in: tuple[str, Session], client: redis.Redis, data: bytes
) -> None:
    token, session = signed_in
    eventually(lambda: hears(listening, client), 5)
    for message in (data, str(session.id).encode()):
        client.publish("backlot:revocations", message)
    time.sleep(0.2)
    assert listening.sessions.verify(token).id == session.id
    assert hears(listening, client)


def test_a_process_to_which_redis_falls_silent_asks_again_within_a_second(
    services: Services, listening: Services, signed_in: tuple[str, Session], client: redis.Redis, network: Network
) -> None:
    """Every connection stays open, and says nothing more: nobody is told that it is cut."""
    token, session = signed_in
    eventually(lambda: hears(listening, client), 5)
    until = time.monotonic() + 2  # somebody is at work, so that a check is good for longer than a second
    while time.monotonic() < until:
        listening.sessions.verify(token)
        time.sleep(0.1)
    assert listening.sessions.hears()
    network.hang()
    services.sessions.revoke(session)
    answers = 1.0  # seconds: what Redis is given to answer
    eventually(lambda: refuses(listening.sessions, token), SOON + answers, "the refusal")
    assert not listening.sessions.hears()


def test_who_ends_a_session_without_reaching_redis_goes_on_telling(
    services: Services, listening: Services, network: Network, signed_in: tuple[str, Session], client: redis.Redis
) -> None:
    """Everybody else hears Redis, and believes what it still says."""
    token, session = signed_in
    eventually(lambda: hears(listening, client), 5)
    network.cut()
    eventually(lambda: not hears(listening, client), 5)
    services.listen()
    eventually(lambda: hears(services, client), 5)
    services.sessions.verify(token)
    listening.sessions.revoke(session)
    assert services.sessions.verify(token).id == session.id
    network.mend()
    eventually(lambda: refuses(services.sessions, token), SOON, "the refusal")
    eventually(lambda: client.get(f"backlot:session:{session.id}") == b"ended", SOON)


def test_who_only_looks_sees_a_connection_that_is_silent_because_nobody_asks(valkey_url: str) -> None:
    revocations = Revocations(redis.Redis.from_url(valkey_url))
    revocations.heard_by(lambda seconds: seconds > 20)  # the last word came 20 s ago
    assert revocations.connected()
    assert not revocations.relied_on()
    assert not revocations.hears()
    assert revocations.relied_on()


def test_who_stops_tells_no_more(
    another: Another, valkey_url: str, network: Network, signed_in: tuple[str, Session]
) -> None:
    def tells() -> bool:
        return "revocations" in {thread.name for thread in threading.enumerate()}

    cut_off = another(redis_url=SecretStr(network.url(valkey_url)))
    network.cut()
    cut_off.sessions.revoke(signed_in[1])
    assert tells()
    cut_off.close()
    assert not tells()
