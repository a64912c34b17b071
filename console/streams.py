"""The live streams that are open in this process: whose they are, when they are checked, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType
from uuid import UUID

import anyio.to_thread
import structlog

from console import wiring
from services.errors import LimitReached, NotSignedIn, Unavailable
from services.model import Session
from services.tokens import PREFIX

MOST_OF_A_USER = 24  # streams at once: one a browser, or one a tab where the page comes over plain HTTP
LOOK = 1.0  # seconds between looks at what is due
AT_ONCE = 0.0
FIRST_CHECK = 2.0  # seconds: a session may end in the moment between its check and its stream
PING_SECONDS = 15.0  # of silence, after which a stream shows that it lives
UNHEARD_CHECK = 3.0  # seconds between checks of a session while this process does not hear which sessions end
COMES_AGAIN = 5.0  # seconds after which a refused browser may ask again

log = structlog.get_logger()


@dataclass(eq=False, kw_only=True)
class Stream:
    """One open stream. Everything but `wake` belongs to the event loop."""

    session: Session
    token: str
    loop: asyncio.AbstractEventLoop
    check_at: float
    news: asyncio.Event = field(default_factory=asyncio.Event)
    sent_at: float = field(default_factory=time.monotonic)
    ended: str | None = None  # the name of what ended it

    def wake(self) -> None:
        """There is something to send; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self.news.set)

    def end(self, why: str) -> None:
        self.ended = self.ended or why
        self.news.set()

    def last_words(self) -> bytes:
        return f"event: end\ndata: {json.dumps({'why': self.ended})}\n\n".encode()


class Streams:
    """Verifies the sessions of all streams and keeps silent ones awake. Belongs to the event loop."""

    def __init__(self) -> None:
        self._open: set[Stream] = set()
        self._watch: asyncio.Task[None] | None = None
        self._doubt = asyncio.Event()

    def open(self, session: Session, token: str) -> Stream:
        """A stream of this session. Raises LimitReached when the user has too many."""
        mine = sum(1 for stream in self._open if stream.session.user.id == session.user.id)
        if mine >= MOST_OF_A_USER:
            raise LimitReached(
                "Backlot is open in too many windows to keep all of them up to date. Close some of them.",
                retry_after=COMES_AGAIN,
            )
        loop = asyncio.get_running_loop()
        stream = Stream(session=session, token=token, loop=loop, check_at=time.monotonic() + FIRST_CHECK)
        self._open.add(stream)
        if self._watch is None or self._watch.done():
            self._doubt = asyncio.Event()
            wiring.services().sessions.when_doubted(lambda session_id: self._doubted(loop, session_id))
            self._watch = loop.create_task(self._look_after())
        return stream

    def close(self, stream: Stream) -> None:
        self._open.discard(stream)

    def end_all(self) -> None:
        """The server stops: browsers come again by themselves."""
        for stream in self._open:
            stream.end("restart")

    def count(self) -> int:
        return len(self._open)

    def _doubted(self, loop: asyncio.AbstractEventLoop, session_id: UUID | None) -> None:
        """Called from any thread."""

        def check_now() -> None:
            for stream in self._open:
                if session_id is None or stream.session.id == session_id:
                    stream.check_at = AT_ONCE
                    self._doubt.set()

        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(check_now)

    def _next_check(self, ends_at: datetime) -> float:
        """Whoever hears which sessions end asks when they would end by themselves."""
        until_end = max(LOOK, (ends_at - datetime.now(UTC)).total_seconds())
        return time.monotonic() + (until_end if wiring.services().sessions.hears() else min(UNHEARD_CHECK, until_end))

    async def _look_after(self) -> None:
        was_heard = True
        while self._open:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._doubt.wait(), LOOK)
            self._doubt.clear()
            now = time.monotonic()
            is_heard = wiring.services().sessions.hears()
            if was_heard and not is_heard:
                for stream in self._open:
                    stream.check_at = min(stream.check_at, now + UNHEARD_CHECK)
            was_heard = is_heard
            due = [stream for stream in self._open if stream.check_at <= now]
            if due:
                try:
                    await self._verify(due)
                except Exception:
                    log.exception("streams_not_checked")
            for stream in self._open:
                if now - stream.sent_at >= PING_SECONDS:
                    stream.news.set()

    async def _verify(self, due: list[Stream]) -> None:
        for stream in due:
            stream.check_at = time.monotonic() + UNHEARD_CHECK  # also when it cannot be checked now
        for stream, ends_at in await anyio.to_thread.run_sync(_looked_at, due):
            if ends_at is None:
                log.info("stream_ended", user=stream.session.user.id)
                stream.end("session")
            elif stream.check_at != AT_ONCE:  # it was doubted while it was looked at
                stream.check_at = self._next_check(ends_at)


def _looked_at(streams: list[Stream]) -> list[tuple[Stream, datetime | None]]:
    """When their sessions end by themselves, None where one stands no more; not those that cannot be checked now."""
    found: list[tuple[Stream, datetime | None]] = []
    for stream in streams:
        try:
            found.append((stream, _ends_at(stream.token)))
        except NotSignedIn:
            found.append((stream, None))
        except Unavailable as error:
            log.warning("stream_not_checked", reason=str(error))
    return found


def _ends_at(token: str) -> datetime:
    """When the session ends if nobody uses it: a stream is no use. Raises NotSignedIn, Unavailable."""
    services = wiring.services()
    if token.startswith(PREFIX):
        return services.tokens.verify(token).expires_at
    return services.sessions.stands(token).ends_at


STREAMS = Streams()


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have a signal that stops the server end the streams first: it waits until every connection is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(STREAMS.end_all)
        former = before[signal.Signals(number)]
        if callable(former):
            former(number, frame)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
