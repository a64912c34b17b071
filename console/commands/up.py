"""`up`: start everything and stay, or say where it runs already."""

from __future__ import annotations

import argparse
import signal
import time
from types import FrameType

from console import configuration, state_file
from console.stack import Stack
from console.supervisor import Stopped
from console.terminal import say
from services.embedded import lock, private_folder
from services.errors import Unavailable
from services.settings import Settings

WAIT_FOR_OTHER = 60.0  # seconds that another stack on this home may take to start or to end


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, help="the first port to try for the web server (BACKLOT_PORT, 8501)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Returns when everything has ended after Ctrl-C or SIGTERM, or at once when it runs already."""
    if settings.embedded == "never":
        settings = configuration.connected(settings)
    if arguments.port:
        settings = settings.model_copy(update={"port": arguments.port})
    taken = take_home(settings)
    if isinstance(taken, state_file.State):
        say(f"Backlot runs already: {taken.address}")
        return 0
    stack = Stack(settings, lock=taken, echo=True)

    def stop(_number: int, _frame: FrameType | None) -> None:
        stack.ask_to_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        stack.start(say)
        say(f"Backlot is ready: {stack.address}   (Ctrl-C ends it)")
        stack.watch()
    except Stopped:
        pass
    except Unavailable:
        if not stack.is_stopping:  # Ctrl-C reaches the programs of a first start too, and they fail
            raise
    finally:
        say("Stopping. Ctrl-C again kills what is left.")
        stack.stop()
    return 0


def take_home(settings: Settings) -> int | state_file.State:
    """The home's locked file for a new stack, or the stack that runs on it.

    Raises Unavailable when another one neither serves nor ends.
    """
    home = private_folder(settings.home)
    deadline = time.monotonic() + WAIT_FOR_OTHER
    while time.monotonic() < deadline:
        descriptor = lock(home)
        if descriptor is not None:
            return descriptor
        if state := state_file.read(home):
            return state
        time.sleep(0.2)
    raise Unavailable(f"Another Backlot holds {home}, is not ready and does not end. See {home / 'logs'}.")
