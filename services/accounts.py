"""Who somebody is: sign-in, passwords, and users made from the terminal."""

from __future__ import annotations

from services.addresses import counted_as
from services.database import Database
from services.durations import in_words
from services.errors import BadInput, LimitReached, NotFound, Refused
from services.model import Role, User
from services.passwords import NOBODY, check_password, hash_password, one_time_password, require_good, turn
from services.permissions import Action, use_case
from services.records import events, failures, reset_links, sessions, users
from services.records.failures import Attempt
from services.records.reset_links import ResetRow
from services.signing import digest_of
from services.users import USER_NAME, Ended, Users, add_user, shut_out

FAILURES_ALLOWED = 5  # of one name from one address
FAILURES_OF_ADDRESS = 50  # over all names: an office behind one address has more than one person
FAILURES_REMEMBERED = 900.0  # seconds
NO_NAME = ""  # what is no name of a user is counted as one
NOT_RIGHT = "The name or the password is not right."


class Accounts:
    def __init__(self, database: Database, known_users: Users) -> None:
        self._database = database
        self._users = known_users

    def sign_in(self, name: str, password: str, *, address: str) -> User:
        """The user of a name and password, after the same work whether or not the name exists.

        Raises Refused for a wrong pair or a disabled user, and LimitReached, before any work, when too many failed:
        five for the name from this address, or fifty from it for all names. Unavailable while too many sign in.
        """
        name = name.strip().lower()
        name = name if USER_NAME.fullmatch(name) else NO_NAME
        place = counted_as(address)
        with turn():
            attempt = self._attempt(name, place)
            with self._database.statement() as connection:
                record = users.find_by_name(connection, name)
            matches = check_password(password, record.password_hash if record else NOBODY)
        if record is None or record.disabled or not matches:
            if not attempt.left:
                self._note_lock(name, place, None if record is None else record.user.id)
            raise Refused(NOT_RIGHT)
        with self._database.transaction() as connection:
            if users.find(connection, record.user.id, hold=True) != record:  # changed while it was checked
                raise Refused(NOT_RIGHT)
            failures.clear(connection, name=name, address=place)
            events.append(connection, actor=f"user:{record.user.id}", action="signed in", user_id=record.user.id)
        return record.user

    @use_case(Action.ACCOUNT)
    def change_password(self, user: User, current: str, new: str) -> None:
        """Set a new password; every session of the user ends.

        Raises BadInput when the new one may not be used, Refused when the present one is wrong or was replaced
        meanwhile, LimitReached when it was wrong too often.
        """
        require_good(new, name=user.name)
        if new == current:
            raise BadInput("Choose a password that differs from the present one.")
        place = f"account of {user.id}"  # whoever found an open session must not guess on
        with turn():
            self._attempt(user.name, place)
            with self._database.statement() as connection:
                record = users.find(connection, user.id)
            if record is None or not check_password(current, record.password_hash):
                raise Refused("The present password is not right.")
            hashed = hash_password(new)
        with self._database.transaction() as connection:
            if users.find(connection, user.id, hold=True) != record:  # a reset, say: it must not be undone
                raise Refused("Your account was changed meanwhile. Sign in again.")
            failures.clear(connection, name=user.name, address=place)
            users.set_password(connection, user.id, hashed)
            users.drop_tickets(connection, user.id)
            reset_links.drop(connection, user.id)
            ended = sessions.revoke_all(connection, user.id, reason="password changed")
            events.append(connection, actor=f"user:{user.id}", action="password changed", user_id=user.id)
        self._users.tell(Ended(sessions=ended, tokens=()))

    def who_resets(self, token: str) -> str:
        """The name of whom a link is for. Raises NotFound when it is unknown, used or too old."""
        return self._link(token).name

    def reset_password(self, token: str, new: str) -> User:
        """Set the password by a link, which is used up; sessions and tokens end. Raises NotFound, BadInput."""
        link = self._link(token)
        require_good(new, name=link.name)
        with turn():
            hashed = hash_password(new)
        with self._database.transaction() as connection:
            users.find(connection, link.user_id, hold=True)  # first, as whoever else ends links
            if not reset_links.use_up(connection, digest_of(token)):
                raise _no_link()
            users.set_password(connection, link.user_id, hashed)
            ended = shut_out(connection, link.user_id, reason="password reset")
            record = users.find(connection, link.user_id)
            events.append(
                connection,
                actor=f"user:{link.user_id}",
                action="password reset",
                user_id=link.user_id,
                details={"link of": link.created_by},
            )
        self._users.tell(ended)
        if record is None or record.disabled:
            raise _no_link()
        return record.user

    def create_user(self, name: str, role: Role) -> str:
        """From the terminal: a new user's one-time password; the first sign-in asks for another."""
        password = one_time_password()
        hashed = hash_password(password)
        with self._database.transaction() as connection:
            add_user(connection, name, role, password_hash=hashed, actor="system")
        return password

    def ensure_first_admin(self) -> str | None:
        """Create the user `admin` where no admin exists: the one-time password, or None when there is one."""
        with self._database.transaction() as connection:
            if users.first_admin(connection) is not None:
                return None
        return self.create_user("admin", Role.ADMIN)

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

    def _attempt(self, name: str, place: str) -> Attempt:
        """Counted as failed until it proves to be none. Raises LimitReached."""
        with self._database.statement() as connection:
            attempt = failures.begin(
                connection,
                name=name,
                address=place,
                seconds=FAILURES_REMEMBERED,
                of_pair=FAILURES_ALLOWED,
                of_address=FAILURES_OF_ADDRESS,
            )
        if attempt.id is None:
            raise LimitReached(
                f"Too many wrong passwords. Try again in {in_words(attempt.wait)}.",
                retry_after=max(attempt.wait, 1.0),
            )
        return attempt

    def _note_lock(self, name: str, place: str, user_id: int | None) -> None:
        details = {"name": name, "address": place, "seconds": FAILURES_REMEMBERED}
        with self._database.transaction() as connection:
            events.append(connection, actor="system", action="sign-in locked", user_id=user_id, details=details)

    def _link(self, token: str) -> ResetRow:
        with self._database.statement() as connection:
            link = reset_links.find(connection, digest_of(token))
        if link is None:
            raise _no_link()
        return link


def _no_link() -> NotFound:
    return NotFound("This link was used already, or is too old. Ask an admin for a new one.")
