"""The people: they upload as a browser does, remember what was acknowledged, cancel and retry."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import secrets
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import text

from services.errors import Refused, Unavailable
from services.model import JobKind, User
from tests.chaos.fleet import Fleet
from tests.chaos.recipe import Recipe
from tests.films import film_of

TIMEOUT = 20.0  # seconds
LONGEST_PAUSE = 4.0  # between two tries, where a browser waits up to 15
BUSY = 0.1  # between two looks whether more may be sent
EDGE = 1024 * 1024  # bytes at each end of a file that its fingerprint is made of


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """What the answer to an upload promised."""

    video_id: UUID
    job_id: UUID
    recipe: Recipe
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """status 0 is a connection that was cut; wait is what Retry-After asks for, in seconds."""

    status: int
    body: dict[str, str]
    wait: float = 0.0

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def may_pass(self) -> bool:
        return self.status == 0 or self.status >= 500


class Stopped(Exception):
    """The run is over."""


class Browser:
    """One signed-in user's tab. Waits and tries again as the upload page does."""

    def __init__(self, fleet: Fleet, user: User, stop: threading.Event) -> None:
        self._fleet = fleet
        self._user = user
        self._stop = stop
        self._cookie = ""
        self.refusals: Counter[str] = Counter()

    def upload(self, name: str, content: bytes) -> tuple[UUID, UUID]:
        """The acknowledged video and job. A refused file is chosen again. Raises Stopped."""
        while True:
            answer = self._send(name, content)
            if answer.is_good:
                return UUID(answer.body["video_id"]), UUID(answer.body["job_id"])
            if answer.status == 401:
                self._cookie = ""
            self.refusals[f"{answer.status} {answer.body.get('message', '')}"] += 1
            self._pause(0.5)

    def _send(self, name: str, content: bytes) -> Answer:
        begin = {"name": name, "size": len(content), "fingerprint": _fingerprint(content), "again": True}
        answer = self._persistent("POST", "/api/v1/uploads", json.dumps(begin).encode())
        if not answer.is_good:
            return answer
        address, part_size = f"/api/v1/uploads/{answer.body['id']}", int(answer.body["part_size"])
        offset, cuts = int(answer.body["offset"]), 0
        while offset < len(content):
            answer = self._call("PUT", f"{address}?offset={offset}", content[offset : offset + part_size])
            if answer.is_good:
                cuts = 0
            elif answer.may_pass or answer.status == 409:
                if answer.status != 409:
                    self._pause(max(answer.wait, min(LONGEST_PAUSE, 2.0**cuts)))
                    cuts += 1
                answer = self._persistent("GET", address)
                if not answer.is_good:
                    return answer
            else:
                return answer
            offset = int(answer.body["offset"])
        return self._persistent("POST", f"{address}/complete")

    def _persistent(self, method: str, path: str, body: bytes = b"") -> Answer:
        turn = 0
        while (answer := self._call(method, path, body)).may_pass:
            self._pause(max(answer.wait, min(LONGEST_PAUSE, 2.0**turn)))
            turn += 1
        return answer

    def _call(self, method: str, path: str, body: bytes) -> Answer:
        state = self._fleet.state
        if state is None:
            return Answer(status=0, body={})
        connection = http.client.HTTPConnection(urlsplit(state.address).netloc, timeout=TIMEOUT)
        try:
            if not self._cookie:
                self._sign_in(connection)
            connection.request(method, path, body, {"Content-Type": "application/json", "Cookie": self._cookie})
            response = connection.getresponse()
            return Answer(
                status=response.status,
                body=_json(response.read()),
                wait=float(response.getheader("Retry-After") or 0),
            )
        except (OSError, http.client.HTTPException, Unavailable):
            return Answer(status=0, body={})
        finally:
            connection.close()

    def _sign_in(self, connection: http.client.HTTPConnection) -> None:
        ticket = json.dumps({"ticket": self._fleet.sessions.issue_ticket(self._user)})
        connection.request("POST", "/api/session", ticket.encode(), {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        if response.status != 204:
            raise Unavailable(f"no session: {response.status}")
        self._cookie = (response.getheader("Set-Cookie") or "").split(";")[0]

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped


class Load:
    """Uploads all recipes, one browser for each user, never more than allowed says. Threads; `stop` ends them."""

    def __init__(
        self, fleet: Fleet, recipes: Sequence[Recipe], *, allowed: Callable[[], int], films: Sequence[Path]
    ) -> None:
        self._fleet = fleet
        self._left = list(reversed(recipes))
        self._taken = 0
        self._allowed = allowed
        self._films = films
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.acknowledged: list[Acknowledged] = []
        self.browsers = [Browser(fleet, user, self._stop) for user in fleet.users]
        self.errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._use, args=(one,), daemon=True) for one in self.browsers]
        for thread in self._threads:
            thread.start()

    @property
    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT + 5)

    def _use(self, browser: Browser) -> None:
        try:
            while (recipe := self._next()) is not None:
                content = self._content(recipe)
                video_id, job_id = browser.upload(f"{recipe.title}.mp4", content)
                digest = hashlib.sha256(content).hexdigest()
                self.acknowledged.append(
                    Acknowledged(video_id=video_id, job_id=job_id, recipe=recipe, size=len(content), sha256=digest)
                )
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - told to the run, which fails by it
            self.errors.append(error)

    def _next(self) -> Recipe | None:
        while True:
            with self._lock:
                if not self._left:
                    return None
                if self._taken < self._allowed():
                    self._taken += 1
                    return self._left.pop()
            if self._stop.wait(BUSY):
                raise Stopped

    def _content(self, recipe: Recipe) -> bytes:
        """A file that no other equals: a film with a box of its own at the end, or mere bytes."""
        if recipe.is_virtual:
            return film_of(secrets.token_bytes(1000 + secrets.randbelow(150_000)))
        film = self._films[recipe.number % len(self._films)].read_bytes()
        return film + struct.pack(">I4s", 24, b"free") + secrets.token_bytes(16)


class People:
    """Cancels, retries and asks again in mid-flight, as often as share says of all that was acknowledged."""

    def __init__(self, fleet: Fleet, load: Load, *, seed: int, cancels: float, again: float) -> None:
        self._fleet = fleet
        self._load = load
        self._random = random.Random(seed)
        self._cancels, self._again = cancels, again
        self._stop = threading.Event()
        self.done: Counter[str] = Counter()
        self.jobs: list[UUID] = []  # acknowledged to those who asked again
        self._thread = threading.Thread(target=self._act_for_ever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _act_for_ever(self) -> None:
        while not self._stop.wait(self._random.uniform(0.1, 0.4)):
            try:
                self._act()
            except (Unavailable, Refused):
                self.done["told to wait or refused"] += 1

    def _act(self) -> None:
        known = list(self._load.acknowledged)
        if not known:
            return
        operations, users = self._fleet.operations, self._fleet.users
        if self.done["cancel"] < self._cancels * len(known):
            job, owner = self._some_job("j.state = 'running'")
            if job is not None:
                operations.cancel(users[owner], job)
                self.done["cancel"] += 1
        if self.done["retry"] < self.done["cancel"] / 2 + 1:
            job, owner = self._some_job("j.state in ('failed', 'cancelled')")
            if job is not None:
                operations.retry(users[owner], job)
                self.done["retry"] += 1
        if self.done["again"] < self._again * len(known):
            # Not of a film: a stage that its pipeline skipped, such as the words of a silent one, fails by right.
            job, owner = self._some_job("j.state = 'succeeded' and kind = 'pipeline' and title not like 'real %'")
            if job is not None:
                video_id = operations.job(users[owner], job).video_id
                kind = self._random.choice([kind for kind in JobKind if kind is not JobKind.PIPELINE])
                self.jobs.append(operations.submit(users[owner], video_id, kind))
                self.done["again"] += 1

    def _some_job(self, where: str) -> tuple[UUID | None, int]:
        """A job, and the place of its owner among the users."""
        with self._fleet.database.statement() as connection:
            query = f"select j.id, j.user_id from jobs j join videos v on v.id = j.video_id where {where} order by j.id"
            rows = connection.execute(text(query)).all()
        if not rows:
            return None, 0
        row = self._random.choice(rows)
        return row.id, next(place for place, user in enumerate(self._fleet.users) if user.id == row.user_id)


def _fingerprint(content: bytes) -> str:
    ends = content[:EDGE] + content[max(0, len(content) - EDGE) :]
    return f"{len(content)}-{hashlib.sha256(ends).hexdigest()}"


def _json(body: bytes) -> dict[str, str]:
    try:
        return dict(json.loads(body))
    except ValueError:
        return {}
