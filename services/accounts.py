"""Users: sign-in, passwords, creation."""

from __future__ import annotations

import re

from services.database import Database
from services.errors import BadInput, LimitReached, NotFound, Refused
from services.model import Role, User
from services.passwords import MINIMUM_LENGTH, NOBODY, check_password, hash_password, one_time_password
from services.records import events, sessions, users
from services.sessions import Sessions

FAILURES_ALLOWED = 5
FAILURES_REMEMBERED = 900.0  # seconds
USER_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class Accounts:
    def __init__(self, database: Database, live_sessions: Sessions) -> None:
        self._database = database
        self._sessions = live_sessions

    def sign_in(self, name: str, password: str, *, address: str) -> User:
        """The user of a name and password, after the same work whether or not the name exists.

        Raises Refused for a wrong pair or a disabled user, LimitReached after five failures from one address.
        """
        name = name.strip().lower()[:64]
        with self._database.transaction() as connection:
            failures, wait = users.count_failures(connection, name=name, address=address, seconds=FAILURES_REMEMBERED)
            if failures < FAILURES_ALLOWED:
                users.add_failure(connection, name=name, address=address)  # until it proves to be none
            record = users.find_by_name(connection, name)
        locked_out = failures >= FAILURES_ALLOWED
        matches = check_password(password, record.password_hash if record and not locked_out else NOBODY)
        if locked_out:
            raise LimitReached(
                f"Too many failed sign-ins. Try again in {max(1, round(wait / 60))} min.", retry_after=max(wait, 1.0)
            )
        if record is None or record.disabled or not matches:
            raise Refused("The name or the password is not right.")
        with self._database.transaction() as connection:
            users.clear_failures(connection, name=name, address=address)
            events.append(connection, actor=f"user:{record.user.id}", action="signed in", user_id=record.user.id)
        return record.user

    def change_password(self, user: User, current: str, new: str) -> None:
        """Set a new password; every session of the user ends. Raises Refused when it may not be used."""
        with self._database.transaction() as connection:
            record = users.find(connection, user.id)
        if record is None or not check_password(current, record.password_hash):
            raise Refused("The present password is not right.")
        if len(new) < MINIMUM_LENGTH:
            raise BadInput(f"Choose a password of at least {MINIMUM_LENGTH} characters; a short sentence is good.")
        if new == current:
            raise BadInput("Choose a password that differs from the present one.")
        if user.name in new.lower():
            raise BadInput("Choose a password that does not contain your name.")
        hashed = hash_password(new)
        with self._database.transaction() as connection:
            users.set_password(connection, user.id, hashed)
            ended = sessions.revoke_all(connection, user.id, reason="password changed")
            events.append(connection, actor=f"user:{user.id}", action="password changed", user_id=user.id)
        for session_id in ended:
            self._sessions.forget(session_id)

    def who_resets(self, token: str) -> str:
        """The name of whom a link is for. Raises NotFound when it is unknown, used or too old."""
        raise NotImplementedError

    def reset_password(self, token: str, new: str) -> User:
        """Set the password by a link, which is used up; sessions and tokens end. Raises NotFound, BadInput."""
        raise NotImplementedError

    def create_user(self, actor_id: int | None, name: str, role: Role) -> str:
        """A new user's one-time password; the first sign-in asks for another. actor_id None: from the terminal."""
        name = name.strip().lower()
        if not USER_NAME.fullmatch(name):
            raise BadInput("A user name has 1 to 64 of a-z, 0-9, dot, dash, underscore and @, and no spaces.")
        password = one_time_password()
        hashed = hash_password(password)
        with self._database.transaction() as connection:
            user_id = users.create(connection, name=name, role=role, password_hash=hashed)
            if user_id is None:
                raise BadInput(f"There is a user {name} already.")
            actor = "system" if actor_id is None else f"user:{actor_id}"
            events.append(connection, actor=actor, action="user created", user_id=user_id, details={"role": role})
        return password

    def ensure_first_admin(self) -> str | None:
        """Create the user `admin` where no admin exists: the one-time password, or None when there is one."""
        with self._database.transaction() as connection:
            if users.first_admin(connection) is not None:
                return None
        return self.create_user(None, "admin", Role.ADMIN)

    def find(self, name: str) -> User:
        """Raises NotFound."""
        with self._database.transaction() as connection:
            record = users.find_by_name(connection, name.strip().lower())
        if record is None:
            raise NotFound(f"There is no user {name}. `python -m console user add` makes one.")
        return record.user

    def first_admin(self) -> User:
        """Who acts when the terminal names nobody. Raises NotFound."""
        with self._database.transaction() as connection:
            record = users.first_admin(connection)
        if record is None:
            raise NotFound("There is no admin yet. `python -m console up` makes the first one.")
        return record.user
