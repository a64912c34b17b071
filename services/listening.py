"""Hears what is published on Redis channels, for as long as a process lives, whatever becomes of the connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import redis
import structlog

PULSE = 0.4  # seconds between PINGs, which are not billed, while somebody relies on what is heard
LISTEN_SECONDS = 30.0  # the same while nobody does
SILENT_SECONDS = 5.0  # without an answer to a PING, after which the connection is given up
LONGEST_PAUSE = 60.0  # seconds between attempts to listen again

log = structlog.get_logger()


class Listener:
    """A thread that hands what comes on channels to their handlers; an error in one ends nothing.

    connected is called whenever listening begins, since what was published before was not heard; lost when it ends.
    relied_on says whether it matters now that silence is noticed at once.
    """

    def __init__(
        self,
        client: redis.Redis,
        handlers: Mapping[str, Callable[[object], None]],
        *,
        connected: Callable[[], None] = lambda: None,
        lost: Callable[[], None] = lambda: None,
        relied_on: Callable[[], bool] = lambda: False,
    ) -> None:
        self._client = client
        self._handlers = handlers
        self._connected = connected
        self._lost = lost
        self._relied_on = relied_on
        self._word_at = 0.0
        self._stopped = threading.Event()
        self._hears = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="listener", daemon=True).start()

    def hears(self) -> bool:
        """Whether what is published now is heard, as far as is known."""
        return self._hears.is_set()

    def heard_within(self, seconds: float) -> bool:
        """Whether Redis has said anything, were it the answer to a PING, within the last seconds."""
        return self._hears.is_set() and time.monotonic() - self._word_at < seconds

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                with self._client.pubsub() as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(*self._handlers)
                    self._listen(subscription)
            except Exception as error:  # noqa: BLE001 - whatever Redis sends must not end the listening
                pause = min(LONGEST_PAUSE, 2 * pause or 1.0) if not self._hears.is_set() else 1.0
                log.warning("not_heard", channels=list(self._handlers), reason=type(error).__name__, again_in=pause)
            finally:
                if self._hears.is_set():
                    self._hears.clear()
                    self._lost()

    def _listen(self, subscription: redis.client.PubSub) -> None:
        self._word_at, asked_at = time.monotonic(), None
        while not self._stopped.is_set():
            message = subscription.get_message(timeout=PULSE)
            now = time.monotonic()
            if message is None:
                if asked_at is not None and now - asked_at >= SILENT_SECONDS:
                    raise redis.ConnectionError("no answer on the channel's connection")
                if asked_at is None and (now - self._word_at >= LISTEN_SECONDS or self._relied_on()):
                    subscription.ping()
                    asked_at = now
                continue
            self._word_at, asked_at = now, None
            if message["type"] == "subscribe" and not self._hears.is_set():
                self._connected()
                self._hears.set()
            elif message["type"] == "message":
                self._handle(message)

    def _handle(self, message: Mapping[str, object]) -> None:
        channel = message["channel"]
        try:
            self._handlers[channel.decode() if isinstance(channel, bytes) else str(channel)](message["data"])
        except Exception:
            log.exception("message_failed")
