"""Which commands a Redis got: how many, and at which pace when nobody does anything."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import redis

# Not billed, or only there because somebody measures.
FREE = frozenset({"info", "ping", "auth", "hello", "client", "config", "monitor"})
BURST = 1.0  # seconds within which commands belong together
DAY = 86_400.0
BLOCKING = frozenset({"BLPOP", "BRPOP", "BLMOVE", "BLMPOP"})


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One command as MONITOR showed it: when, in seconds by the server's clock, and its words."""

    at: float
    words: tuple[str, ...]

    @property
    def source(self) -> str:
        """Whoever sends this command: told by its name and its first key."""
        return " ".join(self.words[:2])


def counted(client: redis.Redis) -> Counter[str]:
    """Commands by name since the server started, commands inside MULTI and scripts among them, without the free."""
    calls: Counter[str] = Counter()
    for name, values in client.info("commandstats").items():
        command = name.removeprefix("cmdstat_")
        if command.split("|")[0] not in FREE:
            calls[command] = int(values["calls"])
    return calls


def now(client: redis.Redis) -> float:
    """Seconds by the server's clock, as MONITOR shows them."""
    return int(client.info("server")["server_time_usec"]) / 1e6


def a_day(seen: Sequence[Seen], *, began: float, ended: float) -> float:
    """Commands in a day of the pace that each source kept between two moments.

    What comes every quarter of an hour falls once or twice into twenty minutes. So each source is counted from one of
    its bursts to another, beginning with its last before the first moment if it has one.
    """
    total = 0.0
    for times in _times_by_source(seen).values():
        inside = [at for at in times if began < at <= ended]
        if not inside:
            continue
        before = [at for at in times if at <= began]
        first, last = (before[-1] if before else inside[0]), inside[-1]
        counted_in = sum(1 for at in inside if at - first > BURST)
        if counted_in and last - first > BURST:
            total += counted_in * DAY / (last - first)
        else:
            total += len(inside) * DAY / (ended - began)  # one burst: nothing tells when the next would come
    return total


def longest_wait(seen: Sequence[Seen]) -> float:
    """Seconds of the longest blocking pop: what keeps time by it shows itself only after so long."""
    waits = [0.0]
    for command in seen:
        if command.words and command.words[0].upper() in BLOCKING:
            with contextlib.suppress(ValueError):
                waits.append(float(command.words[-1]))
    return max(waits)


@contextmanager
def watching(url: str) -> Iterator[list[Seen]]:
    """All commands from now on, as they come, without the free. Raises nothing when Redis goes: then none come."""
    seen: list[Seen] = []
    client = redis.Redis.from_url(url, socket_timeout=None)  # an idle product is silent for minutes
    monitor = client.monitor()  # type: ignore[no-untyped-call]

    def listen() -> None:
        with contextlib.suppress(redis.RedisError, OSError, ValueError):  # the end closes the connection under it
            for command in monitor.listen():
                words = tuple(str(command["command"]).split())
                if words and words[0].lower() not in FREE:
                    seen.append(Seen(at=float(command["time"]), words=words))

    with monitor:
        thread = threading.Thread(target=listen, name="monitor", daemon=True)
        thread.start()
        yield seen
    client.close()
    thread.join(5)


def by_source(seen: Sequence[Seen], *, began: float, ended: float) -> Mapping[str, int]:
    """How many commands each source sent between two moments, most first."""
    return dict(Counter(command.source for command in seen if began < command.at <= ended).most_common())


def _times_by_source(seen: Sequence[Seen]) -> Mapping[str, list[float]]:
    times: dict[str, list[float]] = {}
    for command in sorted(seen, key=lambda command: command.at):
        times.setdefault(command.source, []).append(command.at)
    return times
