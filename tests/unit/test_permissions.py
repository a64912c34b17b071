"""Every use case says which action it is; the table knows every action; whoever may not is refused before it begins."""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest

from services.bootstrap import Services
from services.errors import NotAllowed
from services.model import Role, User
from services.permissions import ANYONES, OWN, Action, use_case
from services.uploads import Uploads
from tests.integration.test_roles import EXPECTED

# What nobody asks for, by reason. Whatever shows something to people or does something for them is not among it.
UNASKED_BECAUSE = {
    "an edge to a store or to Redis, used by use cases that have asked": {
        *("database.close", "database.statement", "database.transaction"),
        *("queue.forget_workers", "queue.is_call", "queue.is_wake", "queue.read_stop", "queue.ring"),
        *("queue.send_stop", "queue.try_to_ring"),
        *("progress.read", "progress.tell"),
        *("storage.drop", "storage.drop_incoming", "storage.has_incoming", "storage.incoming"),
        *("storage.incoming_older_than", "storage.keep", "storage.keep_incoming", "storage.older_than"),
        *("storage.path", "storage.receiving", "storage.room"),
    },
    "the process's own clockwork": {
        *("sweeper.arm", "sweeper.stop", "sweeper.sweep", "sweeper.sweep_files"),
        *("listener.heard_within", "listener.hears", "listener.start", "listener.stop"),
        "limits.close",
        *("live.begin_to_hear", "live.cease_to_hear", "live.hear", "live.heard_by", "live.stop"),
        *("sessions.close", "sessions.connected", "sessions.hears", "sessions.when_doubted"),
        *("sessions.forget", "tokens.forget", "users.tell"),  # once a use case has ended them
    },
    "says how many look, to whoever watches the process, and nothing of whom": {"live.count"},
    "ends what join began: the viewer is the proof": {"live.leave"},
    "a worker's word about messages that it refused": {"operations.note_refused_messages"},
    "whether there is room for anybody's upload: figures of the machine": {
        *("admission.decide", "admission.of", "admission.require"),
    },
    "how somebody becomes a user who asks: by a secret that only they know": {
        *("accounts.sign_in", "accounts.who_resets", "accounts.reset_password"),
        *("sessions.exchange", "sessions.stands", "sessions.verify", "tokens.verify"),
    },
    "spends for a use case, which has a rule of its own": {
        *("limits.count_refusal", "limits.request", "limits.require_upload"),
    },
    "the session itself asks, for itself and the others of its user": {"sessions.end_others", "sessions.revoke"},
    "the terminal of the server's own machine, whose owner holds the database": {
        *("accounts.create_user", "accounts.ensure_first_admin", "accounts.find", "accounts.first_admin"),
    },
}
UNASKED = frozenset(name for names in UNASKED_BECAUSE.values() for name in names)


def public_methods() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every method that a service object of ours offers, as `service.method`."""
    for field, service in typing.get_type_hints(Services).items():
        for kind in service.__mro__:
            if kind.__module__.startswith("services."):
                for name, value in vars(kind).items():
                    method = getattr(value, "__func__", value)  # of a classmethod
                    if inspect.isfunction(method) and not name.startswith("_"):
                        yield f"{field}.{name}", method


METHODS = dict(public_methods())
USE_CASES = {name: method for name, method in METHODS.items() if hasattr(method, "action")}


def a_user(role: Role) -> User:
    return User(id=1, name="somebody", role=role, must_change_password=False)


def test_every_use_case_has_a_rule() -> None:
    assert METHODS.keys() - USE_CASES.keys() - UNASKED == set(), "say @use_case(Action.…), or why nobody asks"


def test_what_nobody_asks_for_is_there_and_has_no_rule() -> None:
    assert UNASKED - METHODS.keys() == set()
    assert UNASKED & USE_CASES.keys() == set()


def test_the_matrix_knows_every_use_case() -> None:
    assert USE_CASES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", sorted(USE_CASES))
def test_the_first_argument_of_a_use_case_is_the_user_who_asks(name: str) -> None:
    _, asker, *_ = inspect.signature(USE_CASES[name]).parameters.values()
    assert asker.name in {"user", "actor"}
    assert asker.annotation == "User"


def test_whatever_else_takes_a_user_has_a_rule() -> None:
    asked = {
        name
        for name, method in METHODS.items()
        for given in [*inspect.signature(method).parameters.values()][1:2]
        if given.annotation == "User"
    }
    assert asked - {"limits.request"} == USE_CASES.keys()


def test_the_table_knows_every_action_and_one_may_do_no_less_to_what_is_ones_own() -> None:
    assert OWN.keys() == ANYONES.keys() == set(Action)
    for action in Action:
        assert ANYONES[action] <= OWN[action], action
        assert Role.ADMIN in OWN[action], action


class Service:
    def __init__(self) -> None:
        self.asked = 0

    @use_case(Action.MANAGE)
    def manage(self, user: User, what: str, *, reason: str = "none") -> str:
        """Its own words."""
        self.asked += 1
        return f"{what} {reason}"


def test_whoever_may_not_is_refused_before_it_begins() -> None:
    service = Service()
    assert service.manage(a_user(Role.ADMIN), "this", reason="why") == "this why"
    for role in (Role.CREATOR, Role.ANALYST, Role.OPERATOR):
        with pytest.raises(NotAllowed, match=f"^Your role, {role}, does not permit this. Ask an admin.$"):
            service.manage(a_user(role), "this")
    assert service.asked == 1
    assert (Service.manage.__name__, Service.manage.__doc__) == ("manage", "Its own words.")


def test_a_use_case_that_is_awaited_is_refused_before_anything_is_taken() -> None:
    taken: list[bytes] = []

    async def chunks() -> AsyncIterator[bytes]:
        taken.append(b"x")
        yield b"x"

    async def send() -> None:
        await Uploads.append(typing.cast(Uploads, None), a_user(Role.ANALYST), uuid4(), offset=0, chunks=chunks())

    with pytest.raises(NotAllowed, match="Ask an operator"):
        asyncio.run(send())
    assert taken == []
