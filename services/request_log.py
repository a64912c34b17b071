"""The requests of each user within the last minute: in Redis, and as this process remembers them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import redis
import structlog

from services import keys
from services.queue import is_of_another_type

SCRIPT = Path(__file__).with_suffix(".lua").read_text()
DIGITS = 16  # of a stamp: microseconds
SILENCE = 3.0  # seconds for which a Redis that did not answer is not asked again
LOOKED = 10.0  # seconds that a look may be old: every run of a page has a meter, and each look is a command
REMEMBERED = 2000  # users; of each not more stamps than the limit lets them have

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Whether one more fitted; stamp names it, None of a look. used is how many there are with it.

    frees_in, in seconds, is when the next one fits, None while one fits now or where none ever does. degraded: Redis
    did not answer.
    """

    admitted: bool
    stamp: str | None
    used: int
    frees_in: float | None
    degraded: bool


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What was last heard of a user's log. owed are stamps that were given while Redis did not answer.

    ahead is how many microseconds the server's clock is ahead of this one's.
    """

    generation: str = ""
    revision: int = 0
    stamps: str = ""
    owed: str = ""
    ahead: int = 0
    looked_at: float = -LOOKED


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What the script said; stamps are those that the caller did not know."""

    admitted: bool
    stamp: str
    now: int
    generation: str
    revision: int
    used: int
    frees: str
    stamps: str


class RequestLog:
    """Admits at most so many requests of a user in any sliding window, in seconds.

    What Redis has lost is put back by whoever remembers it. While Redis does not answer, this process counts alone.
    """

    def __init__(self, client: redis.Redis, *, window: float) -> None:
        self._client = client
        self._script = client.register_script(SCRIPT)
        self._window = round(window * 1e6)
        self._lock = threading.Lock()
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._silent_until = 0.0

    def spend(self, user_id: int, *, limit: int) -> Spent:
        """Spend one request if it fits."""
        known = self._recall(user_id)
        if not self._asks():
            return self._spend_here(user_id, limit)
        try:
            answer = self._run(user_id, "spend", limit, known.stamps[-DIGITS:])
            lost = known.generation not in {"", answer.generation} or answer.revision < known.revision
            expected = _union(known.stamps, known.owed) if lost else known.owed
            if missing := _after(expected, answer.now - self._window):
                answer = self._run(user_id, "restore", limit, missing, answer.stamp)
                log.warning("requests_put_back", user_id=user_id, count=len(missing) // DIGITS)
        except redis.RedisError as error:
            self._fell_silent(error)
            return self._spend_here(user_id, limit)
        with self._lock:
            before = self._known.get(user_id, _Known())
            stamps = _after(_union(before.stamps, answer.stamps), answer.now - self._window)
            agrees = len(stamps) == DIGITS * answer.used  # else another process gave one back: the next look asks
            self._put(
                user_id,
                _Known(
                    generation=answer.generation,
                    revision=answer.revision,
                    stamps=stamps[-DIGITS * max(1, limit) :],
                    owed=_without(before.owed, known.owed),
                    ahead=answer.now - _now(),
                    looked_at=time.monotonic() if agrees else -LOOKED,
                ),
            )
        return Spent(
            admitted=answer.admitted,
            stamp=answer.stamp if answer.admitted else None,
            used=answer.used,
            frees_in=self._seconds_until(answer.frees, answer.now),
            degraded=False,
        )

    def give_back(self, user_id: int, stamp: str) -> None:
        """Undo a spend. While Redis does not answer only this process knows of it."""
        with self._lock:
            if (known := self._known.get(user_id)) is not None:
                stamps, owed = _without(known.stamps, stamp), _without(known.owed, stamp)
                self._known[user_id] = replace(known, stamps=stamps, owed=owed)
        if self._asks():
            try:
                self._run(user_id, "refund", 0, stamp)
            except redis.RedisError as error:
                self._fell_silent(error)

    def look(self, user_id: int, *, limit: int) -> Spent:
        """What is used now; one command at most, and it spends nothing."""
        known = self._recall(user_id)
        degraded = False
        if self._silent_until or time.monotonic() - known.looked_at >= LOOKED:
            degraded = not self._asks()
            try:
                known = known if degraded else self._looked(user_id, known)
            except redis.RedisError as error:
                self._fell_silent(error)
                degraded = True
        now = _now() + known.ahead
        live = _after(_union(known.stamps, known.owed), now - self._window)
        used = len(live) // DIGITS
        frees = self._seconds_until(_frees(live, limit), now)
        return Spent(admitted=used < limit, stamp=None, used=used, frees_in=frees, degraded=degraded)

    def _looked(self, user_id: int, known: _Known) -> _Known:
        """What is known once Redis has been asked."""
        try:
            found = self._client.get(keys.requests(user_id))
            kept = found.decode("ascii", "replace") if isinstance(found, bytes) else ""
        except redis.ResponseError as error:
            if not is_of_another_type(error):
                raise
            kept = ""
        self._silent_until = 0.0
        looked = replace(known, looked_at=time.monotonic())
        if len(kept) >= 2 * DIGITS and len(kept) % DIGITS == 0 and kept.isascii() and kept.isdecimal():
            generation, revision, stamps = kept[:DIGITS], int(kept[DIGITS : 2 * DIGITS]), kept[2 * DIGITS :]
            if known.generation not in {"", generation} or revision < known.revision:
                looked = replace(looked, stamps=_union(known.stamps, stamps))  # the next spend puts back what was lost
            else:
                looked = replace(looked, generation=generation, revision=revision, stamps=stamps)
        with self._lock:
            if self._known.get(user_id, _Known()) == known:
                self._put(user_id, looked)
        return looked

    def _spend_here(self, user_id: int, limit: int) -> Spent:
        with self._lock:
            known = self._known.get(user_id, _Known())
            now = _now() + known.ahead
            live = _after(_union(known.stamps, known.owed), now - self._window)
            stamp = None
            if len(live) // DIGITS < limit:
                stamp = f"{max(now, int(live[-DIGITS:] or 0) + 1):0{DIGITS}}"
                live += stamp
                self._put(user_id, replace(known, owed=_after(known.owed, now - self._window) + stamp))
        return Spent(
            admitted=stamp is not None,
            stamp=stamp,
            used=len(live) // DIGITS,
            frees_in=self._seconds_until(_frees(live, limit), now),
            degraded=True,
        )

    def _run(self, user_id: int, verb: str, limit: int, given: str, own: str = "") -> _Answer:
        key = keys.requests(user_id)
        arguments: list[str | int | float] = [verb, self._window, limit, given, own]
        try:
            answered: Any = self._script(keys=[key], args=arguments)
        except redis.ResponseError as error:
            if not is_of_another_type(error):
                raise
            self._client.delete(key)
            answered = self._script(keys=[key], args=arguments)
        self._silent_until = 0.0
        admitted, stamp, now, generation, revision, used, frees, stamps = answered
        return _Answer(
            admitted=admitted == 1,
            stamp=stamp.decode(),
            now=now,
            generation=generation.decode(),
            revision=revision,
            used=used,
            frees=frees.decode(),
            stamps=stamps.decode(),
        )

    def _asks(self) -> bool:
        """Whether to ask Redis: of a silent one, one call finds out now and then whether it answers again."""
        with self._lock:
            if self._silent_until and time.monotonic() < self._silent_until:
                return False
            if self._silent_until:
                self._silent_until = time.monotonic() + SILENCE
            return True

    def _fell_silent(self, error: redis.RedisError) -> None:
        self._silent_until = time.monotonic() + SILENCE
        log.warning("requests_counted_without_redis", reason=type(error).__name__)

    def _recall(self, user_id: int) -> _Known:
        with self._lock:
            return self._known.get(user_id, _Known())

    def _put(self, user_id: int, known: _Known) -> None:
        self._known[user_id] = known
        self._known.move_to_end(user_id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _seconds_until(self, frees: str, now: int) -> float | None:
        return max(0.0, (int(frees) + self._window - now) / 1e6) if frees else None


def _now() -> int:
    return time.time_ns() // 1000


def _each(stamps: str) -> Iterator[str]:
    return (stamps[at : at + DIGITS] for at in range(0, len(stamps), DIGITS))


def _after(stamps: str, moment: int) -> str:
    """Those of rising stamps that are later."""
    too_old = f"{moment:0{DIGITS}}"
    first = 0
    while first < len(stamps) and stamps[first : first + DIGITS] <= too_old:
        first += DIGITS
    return stamps[first:]


def _without(stamps: str, gone: str) -> str:
    left_out = set(_each(gone))
    return "".join(one for one in _each(stamps) if one not in left_out)


def _union(some: str, others: str) -> str:
    if not some or not others or some[-DIGITS:] < others[:DIGITS]:
        return some + others
    return "".join(sorted({*_each(some), *_each(others)}))


def _frees(stamps: str, limit: int) -> str:
    """The stamp after which the next one fits; empty where one fits now or none ever does."""
    over = len(stamps) // DIGITS - limit
    return stamps[over * DIGITS : (over + 1) * DIGITS] if over >= 0 and limit > 0 else ""
